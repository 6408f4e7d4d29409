import { searchPayouts } from '../../db/payout-search';
import { serializePayout } from '../../domain/payout-object';
import { defineRoute } from '../route';
import { payoutListAnswer } from '../schemas/payout';
import { payoutQuery, serializeCursor } from '../schemas/payout-query';

export const listPayoutsRoute = defineRoute({
  method: 'get',
  path: '/v1/payouts',
  operationId: 'listPayouts',
  summary: 'Search payouts, newest first.',
  tag: 'Payouts',
  access: 'merchant',
  query: payoutQuery,
  answers: { 200: { description: 'A page, and the cursor of the next one.', schema: payoutListAnswer } },
  problems: ['search_too_broad', 'unavailable'],
  async handle({ principal, query }, { searches }) {
    const filter = {
      status: query.status,
      method: query.method,
      reference: query.reference,
      recipient: query.recipient,
      createdAfter: query.created_after,
      createdBefore: query.created_before,
      amountMin: query.amount_min,
      amountMax: query.amount_max,
    };
    // One more than asked for, which tells whether there is a next page.
    const page = { filter, after: query.cursor ?? null, limit: query.limit + 1 };
    const found = await searches.run(principal.merchantId, (db) => searchPayouts(db, principal, page));
    const shown = found.slice(0, query.limit);
    const last = shown.at(-1);
    return {
      status: 200,
      body: {
        data: shown.map(serializePayout),
        next_cursor: last && found.length > shown.length ? serializeCursor(last.id) : null,
      },
    };
  },
});
