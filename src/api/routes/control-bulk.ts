import { BULK_CONTROLS, controlBulk, countOpenCalls } from '../../db/control-bulk';
import type { BulkControl } from '../../db/control-bulk';
import { readBulkRollUp } from '../../db/bulk-roll-up';
import { actorOf } from '../../domain/principal';
import { readApproval } from '../bulk-approval-object';
import { serializeBulk, serializeRollUp } from '../bulk-object';
import { readOwnBulk } from '../own-bulk';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Route } from '../route';
import { bulkParams, controlledBulkAnswer } from '../schemas/bulk';

const SUMMARIES: Readonly<Record<BulkControl, string>> = {
  pause: 'Let no further line leave; those that left are followed to their end.',
  resume: 'Go on with a paused bulk.',
  cancel: 'Stop for good: what was not sent never is, and what left is followed to its end.',
};

/** Each is a change of the bulk's row, which holds from its answer on, also with Temporal stopped. */
export const controlBulkRoutes: readonly Route[] = BULK_CONTROLS.map((control) =>
  defineRoute({
    method: 'post',
    path: `/v1/bulk-cash-ins/{bulkId}/${control}`,
    operationId: `${control}BulkCashIn`,
    summary: SUMMARIES[control],
    tag: 'Bulk cash-ins',
    access: 'merchant',
    params: bulkParams,
    answers: { 200: { description: 'Done, now or before; how its lines stand.', schema: controlledBulkAnswer } },
    problems: ['bulk_state', 'restoring', 'unavailable'],
    async handle({ principal, params }, deps) {
      const { id: bulkId } = await readOwnBulk(deps.pool, principal, params.bulkId);
      const { result, bulk } = await controlBulk(deps.pool, { bulkId, control, actor: actorOf(principal) });
      if (result === 'refused') {
        throw new ApiProblem('bulk_state', { detail: `Its state is ${bulk.state}.`, members: { state: bulk.state } });
      }
      deps.runs.bulkChanged(bulkId).catch((err: unknown) => {
        deps.logger.info({ err, bulk: bulkId }, 'the run was not told; it reads the bulk at its next turn');
      });
      const [approval, rollUp, openCalls] = await Promise.all([
        readApproval(deps, bulk),
        readBulkRollUp(deps.pool, bulkId),
        countOpenCalls(deps.pool, bulkId),
      ]);
      return {
        status: 200,
        body: { ...serializeBulk(bulk, approval), progress: serializeRollUp(rollUp), calls_under_way: openCalls },
      };
    },
  }),
);
