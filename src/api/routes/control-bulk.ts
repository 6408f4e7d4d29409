import { BULK_CONTROLS, controlBulk } from '../../db/control-bulk';
import type { BulkControl } from '../../db/control-bulk';
import { alarmOfLines } from '../../db/refusals';
import { actorOf } from '../../domain/principal';
import { answerControl } from '../bulk-control-answer';
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
      const { result, bulk, counts } = await controlBulk(deps.bulks, {
        ...{ bulkId, control, actor: actorOf(principal) },
        onRefused: alarmOfLines(deps.logger, bulkId),
      });
      if (result === 'refused') {
        throw new ApiProblem('bulk_state', { detail: `Its state is ${bulk.state}.`, members: { state: bulk.state } });
      }
      return await answerControl(deps, bulk, counts);
    },
  }),
);
