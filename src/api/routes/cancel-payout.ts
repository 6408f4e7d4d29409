import { cancelPayout } from '../../db/cancel-payout';
import type { CancelAnswer, CancelRequest } from '../../db/cancel-payout';
import { isGuardRefusal } from '../../db/errors';
import { bringToPeople } from '../../db/refusals';
import { serializePayout } from '../../domain/payout-object';
import { actorOf } from '../../domain/principal';
import type { ApiDeps } from '../deps';
import { assertStandsAlone, readOwnPayout } from '../own-payout';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { restoring } from '../restoring';
import { tellRun } from '../tell-run';
import { payoutParams } from '../schemas/fields';
import { payoutAnswer } from '../schemas/payout';

export const cancelPayoutRoute = defineRoute({
  method: 'post',
  path: '/v1/payouts/{payoutId}/cancel',
  operationId: 'cancelPayout',
  summary: 'Cancel a payout that was not sent: either it is cancelled and nothing leaves, or it is refused.',
  tag: 'Payouts',
  access: 'merchant',
  params: payoutParams,
  answers: { 200: { description: 'Cancelled, now or before; the hold is released.', schema: payoutAnswer } },
  problems: ['not_found', 'owned_by_bulk', 'not_cancellable', 'restoring', 'unavailable'],
  async handle({ principal, params }, deps) {
    const found = await readOwnPayout(deps.pool, principal, params.payoutId);
    const { result, payout } = await cancelOrAsk(deps, {
      payoutId: found.payout.id,
      actor: actorOf(principal),
      reason: 'cancelled_by_merchant',
    });
    if (result === 'restoring') throw restoring();
    if (result === 'refused') {
      assertStandsAlone(payout);
      throw new ApiProblem('not_cancellable', {
        detail: `Its state is ${payout.state}.`,
        members: { state: payout.state },
      });
    }
    if (result === 'cancelled') {
      deps.metrics.payoutsCancelled.inc({ method: payout.method, environment: payout.environment });
      tellRun(payout.id, deps);
    }
    return { status: 200, body: serializePayout(payout) };
  },
});

/** What PostgreSQL's guards do not let be cancelled goes before people, as where its run is cancelled. */
async function cancelOrAsk(deps: ApiDeps, request: CancelRequest): Promise<CancelAnswer> {
  try {
    return await cancelPayout(deps.pool, request);
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    const { payout } = await bringToPeople(deps, request.payoutId, error);
    tellRun(payout.id, deps);
    return { result: 'refused', payout };
  }
}
