import { Readable } from 'node:stream';

import { z } from 'zod';

import { listBulkErrors } from '../../db/bulk-errors';
import { listBulkItems } from '../../db/bulk-items';
import { readBulkStanding } from '../../db/bulk-standings';
import { serializePayout } from '../../domain/payout-object';
import { readApproval } from '../bulk-approval-object';
import { errorsFile, FILE_READERS, resultFile } from '../bulk-files';
import { serializeBulk, serializeProgress } from '../bulk-object';
import { serializeBulkError } from '../bulk-report';
import { readOwnBulk } from '../own-bulk';
import { defineRoute } from '../route';
import { oneOf } from '../schemas/fields';
import { bulkAnswer, bulkErrorsAnswer, bulkItemsAnswer, bulkParams } from '../schemas/bulk';
import { pageLimit, recipient, reference, states } from '../schemas/payout-query';

const COMMON = { tag: 'Bulk cash-ins', access: 'merchant', params: bulkParams, problems: ['unavailable'] } as const;

/** The number of the last one seen: of a line, or a place in the report. */
const cursor = z
  .string()
  .regex(/^\d{1,9}$/, 'give the `next_cursor` of an answer as it is')
  .transform(Number)
  .default(0)
  .meta({ description: '`next_cursor` of the answer before.', override: { type: 'string' } });

/** Who a file is for. */
const reader = oneOf(FILE_READERS)
  .default('programs')
  .meta({
    description:
      '`people`: semicolons and a byte order mark, as spreadsheets with French settings open it; the result also with ' +
      'names and times.',
  });

export const readBulkRoute = defineRoute({
  ...COMMON,
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}',
  operationId: 'getBulkCashIn',
  summary: 'A bulk and its progress.',
  answers: { 200: { description: 'The bulk.', schema: bulkAnswer } },
  async handle({ principal, params }, deps) {
    const { id } = await readOwnBulk(deps.pool, principal, params.bulkId);
    const standing = await readBulkStanding(deps.pool, id);
    const approval = await readApproval(deps, standing.bulk);
    return { status: 200, body: { ...serializeBulk(standing.bulk, approval), ...serializeProgress(standing) } };
  },
});

export const bulkItemsRoute = defineRoute({
  ...COMMON,
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}/items',
  operationId: 'listBulkCashInItems',
  summary: 'The lines of a bulk, in the order of the input.',
  query: z.strictObject({
    status: states.optional(),
    reference: reference.optional(),
    recipient: recipient.optional(),
    limit: pageLimit,
    cursor,
  }),
  answers: { 200: { description: 'A page, and the cursor of the next one.', schema: bulkItemsAnswer } },
  problems: ['search_too_broad', 'unavailable'],
  async handle({ principal, params, query }, { pool, searches }) {
    const bulk = await readOwnBulk(pool, principal, params.bulkId);
    const { status, reference, recipient } = query;
    const page = { filter: { status, reference, recipient }, after: query.cursor, limit: query.limit + 1 };
    const found = await searches.run(principal.merchantId, (db) => listBulkItems(db, bulk, page));
    const items = found.slice(0, query.limit);
    return {
      status: 200,
      body: {
        data: items.map(({ line, payout }) => ({ line, payout: serializePayout(payout) })),
        next_cursor: found.length > items.length ? String(items.at(-1)?.line) : null,
      },
    };
  },
});

export const bulkErrorsRoute = defineRoute({
  ...COMMON,
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}/errors',
  operationId: 'listBulkCashInErrors',
  summary: 'Everything that is wrong with a bulk, as it was found; kept for a day where the bulk was refused.',
  query: z.strictObject({ limit: pageLimit, cursor }),
  answers: { 200: { description: 'A page, and the cursor of the next one.', schema: bulkErrorsAnswer } },
  async handle({ principal, params, query }, { pool }) {
    const { id } = await readOwnBulk(pool, principal, params.bulkId);
    const found = await listBulkErrors(pool, id, { after: query.cursor, limit: query.limit + 1 });
    const page = found.slice(0, query.limit);
    return {
      status: 200,
      body: {
        data: page.map(serializeBulkError),
        next_cursor: found.length > page.length ? String(page.at(-1)?.position) : null,
      },
    };
  },
});

export const bulkErrorsFileRoute = defineRoute({
  ...COMMON,
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}/errors.csv',
  operationId: 'downloadBulkCashInErrors',
  summary: 'The whole report as a file.',
  query: z.strictObject({ for: reader }),
  answers: { 200: { description: 'One row for each error.', type: 'text/csv' } },
  async handle({ principal, params, query }, { pool, exports }) {
    const { id } = await readOwnBulk(pool, principal, params.bulkId);
    return { status: 200, type: 'text/csv', stream: Readable.from(errorsFile(exports, id, query.for)) };
  },
});

export const bulkResultRoute = defineRoute({
  ...COMMON,
  method: 'get',
  path: '/v1/bulk-cash-ins/{bulkId}/result.csv',
  operationId: 'downloadBulkCashInResult',
  summary: 'How every line stands, in the order of the input, as a file.',
  query: z.strictObject({ for: reader }),
  answers: {
    200: {
      description:
        'One row for each line of the file. One that was left out has the state `skipped` and no id: its `reason` is the ' +
        'code of its first error, its `provider_text` says of all of them what to change.',
      type: 'text/csv',
    },
  },
  async handle({ principal, params, query }, { pool, exports, sealing }) {
    const bulk = await readOwnBulk(pool, principal, params.bulkId);
    const stream = Readable.from(resultFile({ db: exports, sealing }, bulk, query.for));
    return { status: 200, type: 'text/csv', stream };
  },
});
