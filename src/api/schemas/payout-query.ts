import { z } from 'zod';

import { METHOD_IDS, METHODS } from '../../domain/methods';
import { PAYOUT_STATE_NAMES } from '../../domain/payout-state';
import { parseMsisdn } from '../../domain/msisdn';
import { idOf, moment, oneOf, said, statesOf, text } from './fields';

export const states = statesOf(PAYOUT_STATE_NAMES).meta({ example: 'unknown,in_review' });

/** As it was given, in any of Unicode's normal forms. */
export const reference = text(100);

/** A number as any method's country writes it. */
export const recipient = z
  .string(said('give a mobile number'))
  .max(40)
  .transform((value, context): string => {
    for (const { country } of Object.values(METHODS)) {
      const parsed = parseMsisdn(value.trim(), country);
      if (parsed.ok) return parsed.e164;
    }
    context.addIssue({ code: 'custom', message: 'give a mobile number, national or international' });
    return z.NEVER;
  });

const minorUnits = z
  .string()
  .regex(/^\d{1,13}$/, 'give minor units, digits only')
  .transform(BigInt);

const cursor = z
  .string()
  .transform((value) => Buffer.from(value, 'base64url').toString())
  .refine((value) => idOf('po').safeParse(value).success, 'give the `next_cursor` of an answer as it is');

/** The cursor that stands for everything after a payout or a bulk. */
export function serializeCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

export const pageLimit = z
  .string()
  .regex(/^(?:[1-9]\d?|100)$/, 'give a number from 1 to 100')
  .transform(Number)
  .default(50)
  .meta({ override: { type: 'integer', minimum: 1, maximum: 100, default: 50 } });

export const payoutQuery = z.strictObject({
  status: states.optional(),
  method: oneOf(METHOD_IDS).optional(),
  reference: reference.optional(),
  recipient: recipient.optional(),
  created_after: moment.optional(),
  created_before: moment.optional(),
  amount_min: minorUnits.optional(),
  amount_max: minorUnits.optional(),
  limit: pageLimit,
  cursor: cursor.optional().meta({ description: '`next_cursor` of the answer before.' }),
});
