import { listPayoutEvents } from '../../db/payout-events';
import { serializePayout } from '../../domain/payout-object';
import { isFinalState } from '../../domain/payout-state';
import { readOwnPayout } from '../own-payout';
import { serializePayoutEvent } from '../presenters/payout-event';
import { defineRoute } from '../route';
import { payoutParams } from '../schemas/fields';
import { payoutEventsAnswer, singlePayoutAnswer } from '../schemas/payout';
import type { Customer } from '../schemas/payout-request';

export const readPayoutRoute = defineRoute({
  method: 'get',
  path: '/v1/payouts/{payoutId}',
  operationId: 'getPayout',
  summary: 'One payout with its customer, and what its run is doing now.',
  tag: 'Payouts',
  access: 'merchant',
  params: payoutParams,
  answers: { 200: { description: 'The payout.', schema: singlePayoutAnswer } },
  problems: ['not_found', 'unavailable'],
  async handle({ principal, params }, { pool, sealing, runs }) {
    const { payout, customerEnc } = await readOwnPayout(pool, principal, params.payoutId);
    const [customer, progress] = await Promise.all([
      sealing.open(payout.merchantId, 'customer', customerEnc),
      // The database is the truth; what the engine knows besides is shown where it can be had.
      isFinalState(payout.state) ? null : runs.progress(payout.id).catch(() => null),
    ]);
    return {
      status: 200,
      body: {
        ...serializePayout(payout),
        customer: JSON.parse(customer) as Customer,
        progress: progress && { step: progress.step, next_at: progress.nextAt, attempt: progress.attempt },
      },
    };
  },
});

export const payoutEventsRoute = defineRoute({
  method: 'get',
  path: '/v1/payouts/{payoutId}/events',
  operationId: 'listPayoutEvents',
  summary: 'Every change of a payout: who, when, why, and what the provider said.',
  tag: 'Payouts',
  access: 'merchant',
  params: payoutParams,
  answers: { 200: { description: 'All changes, oldest first.', schema: payoutEventsAnswer } },
  problems: ['not_found', 'unavailable'],
  async handle({ principal, params }, { pool }) {
    const { payout } = await readOwnPayout(pool, principal, params.payoutId);
    const events = await listPayoutEvents(pool, payout.id);
    return { status: 200, body: { data: events.map(serializePayoutEvent) } };
  },
});
