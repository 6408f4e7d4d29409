import { CSV_COLUMNS } from '../bulk-body/csv-columns';
import { formatOf, notOurType } from '../bulk-body/read-body';
import { receiveBulk } from '../receive-bulk';
import { defineRoute } from '../route';
import { acceptedBulkAnswer, bulkCheckAnswer } from '../schemas/bulk';
import { bulkOptionsInAddress, bulkUploadBodies } from '../schemas/bulk-upload';

export const receiveBulkRoute = defineRoute({
  method: 'post',
  path: '/v1/bulk-cash-ins',
  operationId: 'createBulkCashIn',
  summary:
    'Send many payouts as one unit: JSON `{…options, lines: […]}`, NDJSON, CSV, or a form with the part `file`. Options ' +
    `stand in the address, the object or the form. Columns of a CSV: ${CSV_COLUMNS.join(', ')}, metadata.<key>.`,
  tag: 'Bulk cash-ins',
  access: 'merchant',
  idempotent: true,
  streamsBody: bulkUploadBodies(),
  documentedQuery: bulkOptionsInAddress,
  guard: (request) => {
    if (formatOf(request.headers['content-type']) === null) throw notOurType();
  },
  answers: {
    202: { description: 'Checked whole and accepted.', schema: acceptedBulkAnswer },
    200: { description: 'Checked only (`dry_run`): nothing of it was taken.', schema: bulkCheckAnswer },
  },
  problems: [
    'unsupported_media_type',
    'bulk_invalid',
    'too_many_lines',
    'body_too_large',
    'idempotency_key_reused',
    'no_route',
    'restoring',
    'unavailable',
    'outcome_not_known',
  ],
  async handle({ principal, idempotencyKey, request }, deps) {
    const format = formatOf(request.headers['content-type']) ?? 'csv';
    const options = { ...request.query };
    const upload = { principal, request, format, options, idempotencyKey };
    const received = await receiveBulk(upload, { ...deps, pool: deps.bulks });
    switch (received.result) {
      case 'accepted':
        deps.runs.ensureBulk(received.bulk.id).catch((err: unknown) => {
          deps.logger.warn({ err, bulk: received.bulk.id }, 'the bulk was not started; the sweeper starts it');
        });
        return { status: 202, body: received.body, headers: { Location: locationOf(received.bulk.id) } };
      case 'replayed':
        return {
          status: 202,
          body: received.body,
          headers: { Location: locationOf(received.bulkId), 'Idempotent-Replayed': 'true' },
        };
      case 'checked':
        return { status: 200, body: received.body };
      default:
        return received satisfies never;
    }
  },
});

function locationOf(bulkId: string): string {
  return `/v1/bulk-cash-ins/${bulkId}`;
}
