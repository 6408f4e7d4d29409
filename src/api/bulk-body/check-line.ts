import { z } from 'zod';

import { METHOD_IDS } from '../../domain/methods';
import { parseAmount } from '../../domain/money';
import { normalizePayout } from '../normalized-payout';
import type { NormalizedPayout } from '../normalized-payout';
import { oneOf, said } from '../schemas/fields';
import { shownName } from './piece';
import {
  amount,
  checkPayoutRequest,
  currency,
  customer,
  description,
  metadata,
  recipient,
  reference,
} from '../schemas/payout-request';

/** A line is a payout's request without what belongs to the whole. */
export const bulkLine = z
  .strictObject(
    {
      amount,
      currency,
      method: oneOf(METHOD_IDS),
      recipient,
      customer,
      description: description.nullish(),
      reference: reference.nullish(),
      metadata: metadata.nullish(),
    },
    said('give an object'),
  )
  .meta({ id: 'BulkCashInLine' });

export const LINE_ERROR_CODES = ['missing', 'unknown_field', 'not_valid'] as const;

export interface LineError {
  /** Members from the outside in, such as `recipient`, `msisdn`. */
  path: readonly string[];
  code: (typeof LINE_ERROR_CODES)[number];
  message: string;
}

export type CheckedLine =
  | { ok: true; payout: Omit<NormalizedPayout, 'description'> & { description: string | null } }
  /** The amount as far as it can be read, so that a declared total can still be compared. */
  | { ok: false; errors: readonly LineError[]; amount: bigint | null };

/** Checks one line by the very rules of a single payout; all of its errors at once. */
export function checkLine(fields: unknown): CheckedLine {
  const parsed = bulkLine.safeParse(fields);
  const own = parsed.success ? [] : parsed.error.issues.flatMap(toErrors);
  const named = new Set(own.map(({ path }) => path.join('/')));
  const crossed = checkPayoutRequest(fields).flatMap((field): LineError[] => {
    const path = 'pointer' in field ? field.pointer.slice(1).split('/') : [];
    return named.has(path.join('/')) ? [] : [{ path, code: 'not_valid', message: field.detail }];
  });
  if (parsed.success && crossed.length === 0) {
    const payout = normalizePayout({ ...parsed.data, description: parsed.data.description ?? '' });
    return { ok: true, payout: { ...payout, description: parsed.data.description ?? null } };
  }
  const wire = parseAmount((fields as { amount?: unknown } | null)?.amount);
  return { ok: false, errors: [...own, ...crossed], amount: wire.ok ? wire.amount : null };
}

function toErrors(issue: z.core.$ZodIssue): LineError[] {
  const path = issue.path.map((member) => shownName(String(member)) ?? '?');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, shownName(key) ?? '?'],
      code: 'unknown_field',
      message: 'is not known here: leave it out',
    }));
  }
  return [{ path, code: issue.message.startsWith('is required') ? 'missing' : 'not_valid', message: issue.message }];
}
