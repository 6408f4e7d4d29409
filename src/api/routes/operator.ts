import { z } from 'zod';

import { listBulksForOperator, readBulkForOperator } from '../../db/operator/bulks';
import { listFailingWebhooks, listGates, listRestores, listReviews, listStops } from '../../db/operator/lists';
import { listPayoutsForOperator, readPayoutForOperator } from '../../db/operator/payouts';
import type { Db } from '../../db/pool';
import { PAYOUT_STATE_NAMES } from '../../domain/payout-state';
import { BULK_STATE_NAMES, RESTING_BULK_STATES } from '../../domain/bulk-state';
import { FINAL_STATES } from '../../domain/payout-state';
import { readStatusLines } from '../operator/status-lines';
import { ApiProblem } from '../problem';
import { readReadiness } from '../read-readiness';
import { defineRoute } from '../route';
import type { Route } from '../route';
import { bulkParams } from '../schemas/bulk';
import { idOf, payoutParams, statesOf, text } from '../schemas/fields';
import {
  operatorBulkAnswer,
  operatorBulksAnswer,
  operatorPayoutAnswer,
  operatorPayoutsAnswer,
  operatorReviewsAnswer,
  operatorRowsAnswer,
  statusAnswer,
} from '../schemas/operator';
import { pageLimit } from '../schemas/payout-query';

const COMMON = { method: 'get', tag: 'Operations', access: 'operator' } as const;
const PROBLEMS = ['search_too_broad', 'unavailable'] as const;

const OPEN_PAYOUTS = PAYOUT_STATE_NAMES.filter((state) => !(FINAL_STATES as readonly string[]).includes(state));
const OPEN_BULKS = BULK_STATE_NAMES.filter((state) => !(RESTING_BULK_STATES as readonly string[]).includes(state));

/** Operators' searches have one place in the row of searches together. */
const OPERATORS = 'operators';

const statusRoute = defineRoute({
  ...COMMON,
  path: '/v1/operator/status',
  operationId: 'getOperatorStatus',
  summary:
    'What an operator on call must see: readiness, reviews, gates, stops, float, webhooks, bulks and open payouts.',
  answers: { 200: { description: 'What needs attention first.', schema: statusAnswer } },
  problems: PROBLEMS,
  async handle(_call, { searches, readiness }) {
    const [ready, lines] = await Promise.all([readReadiness(readiness), searches.run(OPERATORS, readStatusLines)]);
    return { status: 200, body: { at: new Date().toISOString(), ready, lines } };
  },
});

const payoutsRoute = defineRoute({
  ...COMMON,
  path: '/v1/operator/payouts',
  operationId: 'listOperatorPayouts',
  summary: 'Payouts of all merchants, those first that have been in their state for longest; open ones by default.',
  query: z.strictObject({
    state: statesOf(PAYOUT_STATE_NAMES).optional(),
    reason: text(64).optional(),
    merchant_id: text(64).optional(),
    bulk_id: idOf('bulk')
      .optional()
      .meta({ description: 'Lines of this bulk; without it, lines that bulks carry are left out.' }),
    limit: pageLimit,
  }),
  answers: { 200: { description: 'The first of them.', schema: operatorPayoutsAnswer } },
  problems: PROBLEMS,
  async handle({ query }, { searches }) {
    const filter = {
      states: query.state ?? OPEN_PAYOUTS,
      ...{ reason: query.reason, merchantId: query.merchant_id, bulkId: query.bulk_id, limit: query.limit },
    };
    return { status: 200, body: { data: await searches.run(OPERATORS, (db) => listPayoutsForOperator(db, filter)) } };
  },
});

const payoutRoute = defineRoute({
  ...COMMON,
  path: '/v1/operator/payouts/{payoutId}',
  operationId: 'getOperatorPayout',
  summary: 'One payout with its submissions, look-ups, review items and holds.',
  params: payoutParams,
  answers: { 200: { description: 'The payout.', schema: operatorPayoutAnswer } },
  problems: ['not_found', 'unavailable'],
  async handle({ params }, { exports }) {
    return { status: 200, body: found(await readPayoutForOperator(exports, params.payoutId)) };
  },
});

const bulksRoute = defineRoute({
  ...COMMON,
  path: '/v1/operator/bulks',
  operationId: 'listOperatorBulks',
  summary: 'Bulks of all merchants, the oldest first; those that are not at rest by default.',
  query: z.strictObject({
    state: statesOf(BULK_STATE_NAMES).optional(),
    merchant_id: text(64).optional(),
    limit: pageLimit,
  }),
  answers: { 200: { description: 'The first of them.', schema: operatorBulksAnswer } },
  problems: PROBLEMS,
  async handle({ query }, { searches }) {
    const filter = { states: query.state ?? OPEN_BULKS, merchantId: query.merchant_id, limit: query.limit };
    return { status: 200, body: { data: await searches.run(OPERATORS, (db) => listBulksForOperator(db, filter)) } };
  },
});

const bulkRoute = defineRoute({
  ...COMMON,
  path: '/v1/operator/bulks/{bulkId}',
  operationId: 'getOperatorBulk',
  summary: 'One bulk: why its lines are where they are, its calls, look-ups and holds.',
  params: bulkParams,
  answers: { 200: { description: 'The bulk.', schema: operatorBulkAnswer } },
  problems: ['not_found', 'unavailable'],
  async handle({ params }, { exports }) {
    return { status: 200, body: found(await readBulkForOperator(exports, params.bulkId)) };
  },
});

const listRoute = (
  name: string,
  definition: { operationId: string; summary: string; schema?: z.ZodType },
  read: (db: Db) => Promise<readonly unknown[]>,
): Route =>
  defineRoute({
    ...COMMON,
    path: `/v1/operator/${name}`,
    operationId: definition.operationId,
    summary: definition.summary,
    answers: { 200: { description: 'The first 200.', schema: definition.schema ?? operatorRowsAnswer } },
    problems: PROBLEMS,
    async handle(_call, { searches }) {
      return { status: 200, body: { data: await searches.run(OPERATORS, read) } };
    },
  });

export const operatorRoutes: readonly Route[] = [
  statusRoute,
  payoutsRoute,
  payoutRoute,
  bulksRoute,
  bulkRoute,
  listRoute(
    'reviews',
    {
      operationId: 'listReviewItems',
      summary: 'Open questions with merchant and amount, the oldest first.',
      schema: operatorReviewsAnswer,
    },
    listReviews,
  ),
  listRoute('gates', { operationId: 'listGates', summary: 'Accounts whose PIN is blocked or not proven.' }, listGates),
  listRoute('stops', { operationId: 'listStops', summary: 'Stops of sending that stand.' }, listStops),
  listRoute(
    'restores',
    { operationId: 'listRestores', summary: 'Restores of the database, the latest first.' },
    listRestores,
  ),
  listRoute(
    'webhooks',
    { operationId: 'listFailingWebhooks', summary: 'Endpoints with events that are not delivered after ten minutes.' },
    listFailingWebhooks,
  ),
];

function found<Row>(row: Row | null): Row {
  if (row === null) throw new ApiProblem('not_found');
  return row;
}
