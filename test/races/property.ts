import fc from 'fast-check';

/** Fixed, so that every run draws the same; `RACE_SEED` tries another. fast-check prints it with what failed. */
const SEED = Number(process.env['RACE_SEED'] ?? 20_250_611);

/**
 * Holds a property for `runs` cases, one after another: `extremes` first, the rest drawn. A case that failed is not made smaller: which of many clients
 * comes first is the machine's to say, so that a smaller case may pass for no reason.
 */
export async function holdsFor<T>(
  cases: fc.Arbitrary<T>,
  runs: number,
  property: (drawn: T) => Promise<void>,
  extremes: readonly T[] = [],
): Promise<void> {
  const examples = extremes.map((extreme): [T] => [extreme]);
  await fc.assert(fc.asyncProperty(cases, property), { seed: SEED, numRuns: runs, endOnFailure: true, examples });
}

/** Milliseconds to wait, most of them short. */
export function delays(longest: number): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(Math.min(longest, 20)), fc.nat(longest));
}
