import type { Currency } from './currency';

/** An amount in minor units of its currency; never negative on a payout. */
export interface Money {
  amount: bigint;
  currency: Currency;
}

/** The largest amount of one payout, in minor units: far above any wallet's ceiling, far below PostgreSQL's bigint. */
export const MAX_AMOUNT = 1_000_000_000_000n;

export type AmountProblem = 'not_an_integer' | 'not_positive' | 'too_large';

export type ParsedAmount = { ok: true; amount: bigint } | { ok: false; problem: AmountProblem };

/**
 * Parses an amount as it stands on the wire: an integer number or a string of digits, in minor units.
 * A JSON number above 2^53 has already lost digits when it arrives, so it is refused rather than rounded.
 */
export function parseAmount(wire: unknown): ParsedAmount {
  if (typeof wire === 'number') {
    if (!Number.isInteger(wire)) return { ok: false, problem: 'not_an_integer' };
    if (!Number.isSafeInteger(wire)) return { ok: false, problem: 'too_large' };
    return checkRange(BigInt(wire));
  }
  if (typeof wire !== 'string' || !/^-?\d{1,30}$/.test(wire)) return { ok: false, problem: 'not_an_integer' };
  return checkRange(BigInt(wire));
}

function checkRange(amount: bigint): ParsedAmount {
  if (amount <= 0n) return { ok: false, problem: 'not_positive' };
  if (amount > MAX_AMOUNT) return { ok: false, problem: 'too_large' };
  return { ok: true, amount };
}

/** The wire form of an amount: a string of digits in minor units, which no JSON reader rounds. */
export function serializeAmount(amount: bigint): string {
  return amount.toString();
}
