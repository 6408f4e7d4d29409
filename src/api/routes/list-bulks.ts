import { searchBulks } from '../../db/bulk-search';
import { readApproval } from '../bulk-approval-object';
import { serializeBulk } from '../bulk-object';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { bulkListAnswer } from '../schemas/bulk';
import { bulkQuery } from '../schemas/bulk-query';
import { serializeCursor } from '../schemas/payout-query';

export const listBulksRoute = defineRoute({
  method: 'get',
  path: '/v1/bulk-cash-ins',
  operationId: 'listBulkCashIns',
  summary: 'Search bulks, newest first; also those that wait for your approval.',
  tag: 'Bulk cash-ins',
  access: 'merchant',
  query: bulkQuery,
  answers: { 200: { description: 'A page, and the cursor of the next one.', schema: bulkListAnswer } },
  problems: ['approval_needs_person', 'search_too_broad', 'unavailable'],
  async handle({ principal, query }, { searches, sealing }) {
    const { subject, merchantId } = principal;
    const isForMe = query.awaiting_my_approval === 'true';
    if (isForMe && subject.kind !== 'person') throw new ApiProblem('approval_needs_person');
    const filter = {
      states: query.state,
      createdAfter: query.created_after,
      createdBefore: query.created_before,
      contentSha256: query.content_sha256,
      approvableBy: isForMe && subject.kind === 'person' ? subject : undefined,
    };
    // One more than asked for, which tells whether there is a next page.
    const page = { filter, after: query.cursor ?? null, limit: query.limit + 1 };
    return await searches.run(merchantId, async (db) => {
      const found = await searchBulks(db, principal, page);
      const shown = found.slice(0, query.limit);
      const data = [];
      for (const bulk of shown) data.push(serializeBulk(bulk, await readApproval({ pool: db, sealing }, bulk)));
      const last = shown.at(-1);
      return {
        status: 200,
        body: { data, next_cursor: last && found.length > shown.length ? serializeCursor(last.id) : null },
      };
    });
  },
});
