import { z } from 'zod';

import { patchPayout } from '../../db/patch-payout';
import { serializePayout } from '../../domain/payout-object';
import { actorOf } from '../../domain/principal';
import { readOwnPayout } from '../own-payout';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { checkFuture } from '../schedule';
import { moment, payoutParams, said } from '../schemas/fields';
import { payoutAnswer } from '../schemas/payout';
import { description, metadata } from '../schemas/payout-request';
import { tellRun } from '../tell-run';

const payoutPatch = z
  .strictObject(
    {
      description: description.optional(),
      metadata: metadata.optional().meta({ description: 'Replaces all of it.' }),
      scheduled_at: moment.optional(),
    },
    said('give a JSON object'),
  )
  .refine((patch) => Object.keys(patch).length > 0, 'give description, metadata or scheduled_at')
  .meta({ id: 'PayoutPatch' });

export const patchPayoutRoute = defineRoute({
  method: 'patch',
  path: '/v1/payouts/{payoutId}',
  operationId: 'updatePayout',
  summary: 'Change description or metadata while it can be cancelled, its time while it is scheduled.',
  tag: 'Payouts',
  access: 'merchant',
  params: payoutParams,
  body: payoutPatch,
  crossCheck: checkFuture,
  answers: { 200: { description: 'The payout as it is now.', schema: payoutAnswer } },
  problems: ['not_found', 'not_changeable', 'conflict', 'restoring', 'unavailable'],
  async handle({ principal, params, body }, deps) {
    const found = await readOwnPayout(deps.pool, principal, params.payoutId);
    const { result, payout } = await patchPayout(deps.pool, {
      payoutId: found.payout.id,
      actor: actorOf(principal),
      patch: { description: body.description, metadata: body.metadata, scheduledAt: body.scheduled_at },
    });
    if (result === 'refused') {
      throw new ApiProblem('not_changeable', {
        detail: `Its state is ${payout.state}.`,
        members: { state: payout.state },
      });
    }
    if (result === 'changed' && body.scheduled_at !== undefined) tellRun(payout.id, deps);
    return { status: 200, body: serializePayout(payout) };
  },
});
