import { z } from 'zod';

import { bulkLine } from '../bulk-body/check-line';
import { CSV_COLUMNS } from '../bulk-body/csv-columns';
import { bulkOptions } from '../bulk-body/options';
import { BULK_MEDIA_TYPES, formatOf } from '../bulk-body/read-body';
import type { BulkFormat } from '../bulk-body/read-body';
import type { DocumentedBody } from '../route';
import { EXAMPLE_PAYOUT } from './payout-request';

/** Lines of the examples; the sandbox accepts them. */
const EXAMPLE_LINES = [
  EXAMPLE_PAYOUT,
  {
    ...EXAMPLE_PAYOUT,
    amount: 7500,
    recipient: { msisdn: '771234568' },
    customer: { email: 'moussa@example.com', first_name: 'Moussa', last_name: 'Fall' },
    reference: 'may-0002',
  },
] as const;

const DECLARED = { declared_count: EXAMPLE_LINES.length, declared_total: 12500 } as const;

const EXAMPLE_CSV = [
  'amount;currency;method;msisdn;reference;email;first_name;last_name;description',
  ...EXAMPLE_LINES.map(({ amount, currency, method, recipient, customer, reference, description }) =>
    [
      ...[amount, currency, method, recipient.msisdn, reference],
      ...[customer.email, customer.first_name, customer.last_name, description],
    ].join(';'),
  ),
  '',
].join('\n');

const EXAMPLE_NDJSON = EXAMPLE_LINES.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Bytes of a file, as OpenAPI's tools know them. */
const file = (description: string): z.ZodType =>
  z.any().meta({ description, override: { type: 'string', format: 'binary' } });

const BODIES = {
  json: {
    schema: z
      .strictObject({ ...bulkOptions.shape, lines: z.array(bulkLine).min(1) })
      .meta({ id: 'BulkCashInRequest', description: 'Options of the bulk, and its lines.' }),
    example: { ...DECLARED, lines: EXAMPLE_LINES },
  },
  ndjson: {
    schema: z.string().meta({
      description: 'One line of the bulk per line of text, each an object as in `lines` of the JSON body.',
    }),
    example: EXAMPLE_NDJSON,
  },
  csv: {
    schema: z.string().meta({
      description: `A header row and one row per line. Columns: ${CSV_COLUMNS.join(', ')}, metadata.<key>.`,
    }),
    example: EXAMPLE_CSV,
  },
  multipart: {
    schema: z
      .strictObject({ ...bulkOptions.shape, file: file('The file with the lines.') })
      .meta({ id: 'BulkCashInForm', description: 'Options of the bulk, and one file.' }),
    example: { ...DECLARED, file: EXAMPLE_CSV },
  },
} as const satisfies Record<BulkFormat, DocumentedBody>;

/** The options as the address of an upload carries them: each a single text. */
export const bulkOptionsInAddress = z.object({
  ...Object.fromEntries(
    Object.entries(bulkOptions.shape).map(([name, option]) => [name, option.unwrap().unwrap().optional()]),
  ),
  declared_count: bulkOptions.shape.declared_count
    .unwrap()
    .unwrap()
    .optional()
    .meta({ example: DECLARED.declared_count }),
  declared_total: bulkOptions.shape.declared_total
    .unwrap()
    .unwrap()
    .optional()
    .meta({ example: DECLARED.declared_total }),
  allow_duplicates: z
    .string()
    .regex(/^\d{1,6}(,\d{1,6})*$/)
    .optional()
    .meta({ description: 'Numbers of lines, separated by commas.' }),
  metadata: z.string().optional().meta({ description: 'A JSON object of texts.' }),
});

/** What an upload may be, by media type. */
export function bulkUploadBodies(): Readonly<Record<string, DocumentedBody>> {
  return Object.fromEntries(BULK_MEDIA_TYPES.map((type) => [type, BODIES[formatOf(type) ?? 'csv']]));
}
