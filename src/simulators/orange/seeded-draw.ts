import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) that depends on the seed and the parts alone. Unlike a running generator it gives each recipient the
 * same fate under the same seed whatever the order of requests, and needs no state over a restart.
 */
export function seededDraw(seed: number, ...parts: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update([seed, ...parts].join('/'))
    .digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/** Picks a name by its rate; rates are cumulative in the order of the object, the rest of 1 is undefined. */
export function pickByRate<N extends string>(rates: Readonly<Partial<Record<N, number>>>, draw: number): N | undefined {
  let upTo = 0;
  for (const [name, rate] of Object.entries<number | undefined>(rates)) {
    upTo += rate ?? 0;
    if (draw < upTo) return name as N;
  }
  return undefined;
}
