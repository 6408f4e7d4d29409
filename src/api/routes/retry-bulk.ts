import { z } from 'zod';

import { retryBulk } from '../../db/retry-bulk';
import { actorOf } from '../../domain/principal';
import { answerControl } from '../bulk-control-answer';
import { readOwnBulk } from '../own-bulk';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { bulkParams, retriedBulkAnswer } from '../schemas/bulk';
import { said } from '../schemas/fields';

const retryBulkRequest = z
  .strictObject(
    {
      expected_version: z
        .int(said("give the completed bulk's `version`"))
        .meta({ description: '`version` of the bulk as you saw it complete: a late repeat begins no other round.' }),
    },
    said('give a JSON object'),
  )
  .meta({ id: 'RetryBulkRequest' });

/** A change of the bulk's row, which holds from its answer on, also with Temporal stopped. */
export const retryBulkRoute = defineRoute({
  method: 'post',
  path: '/v1/bulk-cash-ins/{bulkId}/retry-failed',
  operationId: 'retryFailedLines',
  summary: 'Send the failed lines of a completed bulk again, after every earlier attempt was looked up once more.',
  tag: 'Bulk cash-ins',
  access: 'merchant',
  params: bulkParams,
  body: retryBulkRequest,
  answers: { 200: { description: 'It runs again, now or before; how its lines stand.', schema: retriedBulkAnswer } },
  problems: ['bulk_state', 'bulk_version', 'nothing_failed', 'sent_again', 'restoring', 'unavailable'],
  async handle({ principal, params, body }, deps) {
    const { id: bulkId } = await readOwnBulk(deps.pool, principal, params.bulkId);
    const { result, bulk, counts, sentAgain } = await retryBulk(deps.bulks, {
      bulkId,
      actor: actorOf(principal),
      expectedVersion: body.expected_version,
      duplicateDays: deps.config.BULK_DUPLICATE_DAYS,
    });
    const members = { state: bulk.state, version: bulk.version };
    switch (result) {
      case 'done':
      case 'done_before':
        return await answerControl(deps, bulk, counts, { sent_again: sentAgain });
      case 'refused':
        throw new ApiProblem('bulk_state', { detail: `Its state is ${bulk.state}.`, members });
      case 'changed':
        throw new ApiProblem('bulk_version', { detail: `It is at version ${bulk.version}.`, members });
      case 'nothing_failed':
        throw new ApiProblem('nothing_failed', { members });
      case 'sent_again':
        throw new ApiProblem('sent_again', { members: { ...members, sent_again: sentAgain } });
      default:
        return result satisfies never;
    }
  },
});
