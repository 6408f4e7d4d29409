import { z } from 'zod';

import { BULK_NOTIFY, ON_INVALID } from '../../domain/bulk';
import { parseAmount } from '../../domain/money';
import { documentedAs, moment, oneOf, said, text } from '../schemas/fields';
import { metadata } from '../schemas/payout-request';
import { parseStrictJson } from '../strict-json';

const COUNT = 'give a whole number of lines';
const TOTAL = 'give the sum of all amounts in minor units, digits only';
const LINES = 'give the numbers of lines, in a list or apart by commas';

/** JSON gives numbers and lists, addresses and forms give texts. */
const declaredCount = z
  .union([z.int(), z.string().regex(/^\d{1,9}$/)], said(COUNT))
  .transform(Number)
  .refine((value) => value >= 0, COUNT)
  .meta({
    description: 'Number of lines; mandatory with CSV and NDJSON.',
    ...documentedAs({ type: 'integer', minimum: 0 }),
  });

const declaredTotal = z
  .union([z.number(), z.string()], said(TOTAL))
  .transform((wire, context): bigint => {
    if (wire === 0 || wire === '0') return 0n;
    const digits = typeof wire === 'string' ? /^\d{1,18}$/.test(wire) && BigInt(wire) : parseAmount(wire);
    if (typeof digits === 'bigint') return digits;
    if (typeof digits === 'object' && digits.ok) return digits.amount;
    context.addIssue({ code: 'custom', message: TOTAL });
    return z.NEVER;
  })
  .meta({
    description: 'Sum of all amounts in minor units; mandatory with CSV and NDJSON.',
    ...documentedAs({ type: ['integer', 'string'], pattern: '^[0-9]{1,18}$', minimum: 0 }),
  });

const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], said('give true or false'))
  .transform((value) => value === true || value === 'true')
  .meta(documentedAs({ type: 'boolean' }));

const lineNumbers = z
  .union([z.array(z.int().positive()), z.string().regex(/^\d{1,6}(,\d{1,6})*$/)], said(LINES))
  .transform((value) => (typeof value === 'string' ? value.split(',').map(Number) : value))
  .refine((value) => value.length <= 10_000, 'give at most 10000 line numbers');

/** Metadata as an object, or as its JSON text where a form or an address carries it. */
const anyMetadata = z.preprocess((value) => (typeof value === 'string' ? parsedOr(value) : value), metadata);

export const bulkOptions = z.strictObject({
  description: text(255).nullish(),
  scheduled_at: moment.nullish(),
  declared_count: declaredCount.nullish(),
  declared_total: declaredTotal.nullish(),
  dry_run: flag.nullish(),
  notify: oneOf(BULK_NOTIFY).nullish(),
  on_invalid: oneOf(ON_INVALID).nullish(),
  allow_duplicates: lineNumbers.nullish(),
  reference_unique: flag.nullish(),
  metadata: anyMetadata.nullish(),
});

export type BulkOptions = z.output<typeof bulkOptions>;

export const BULK_OPTIONS = Object.keys(bulkOptions.shape) as readonly (keyof BulkOptions)[];

function parsedOr(text: string): unknown {
  const parsed = parseStrictJson(text);
  return parsed.ok ? parsed.value : text;
}
