import { createHash } from 'node:crypto';

/** Draws that follow from the seed and a name alone: the same run gives the same plan, whatever happens in between. */
export interface Dice {
  /** In [0, 1). */
  draw(...name: readonly (string | number)[]): number;
  pick<T>(from: readonly [T, ...T[]], ...name: readonly (string | number)[]): T;
}

export function createDice(seed: number): Dice {
  const draw = (...name: readonly (string | number)[]): number => {
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, ...name]))
      .digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  };
  return {
    draw,
    pick: (from, ...name) => from[Math.floor(draw(...name) * from.length)] ?? from[0],
  };
}
