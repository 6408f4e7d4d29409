/**
 * An amount as the provider writes it, `10`, `10.0` or `"10"`, in minor units; XOF has no decimals. What is not a whole,
 * safe, non-negative number becomes -1, which equals no amount that was ever sent: a row with it is a mismatch, never a
 * rounded match.
 */
export function toMinorUnits(value: number | string): bigint {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : -1n;
  const whole = /^(\d{1,18})(?:\.0+)?$/.exec(value.trim())?.[1];
  return whole === undefined ? -1n : BigInt(whole);
}
