import { createDice } from './dice';
import { planPayouts } from './plan';
import type { PlannedPayout } from './plan';

/** One bulk that the driver asks for. */
export interface PlannedBulk {
  key: string;
  lines: readonly PlannedPayout[];
  /** Milliseconds from the request; null: at once. */
  scheduledInMs: number | null;
  /** What the merchant does to it once while it runs. */
  act: 'pause' | 'cancel' | null;
  /** Whether its failed lines are retried once. */
  retries: boolean;
}

/** Lines of the bulk that another person must approve, and whole XOF that each has more, so that together they are above the threshold. */
const LARGE = { lines: 20, more: 600_000 };

/**
 * Lines as single payouts have them, in two bulks for each wave, and one that needs an approval. The fault that only ends when
 * its payout is cancelled is not among them: a line alone cannot be.
 */
export function planBulks(options: {
  lines: number;
  seed: number;
  waves: number;
}): readonly (readonly PlannedBulk[])[] {
  const { lines: count, seed, waves } = options;
  const dice = createDice(seed);
  const lines = planPayouts({ payouts: count, seed, without: ['pin_to_be_changed'] });
  const size = Math.ceil(count / waves);
  let number = 0;
  return Array.from({ length: waves }, (_, wave) => {
    const ofWave = lines.slice(wave * size, (wave + 1) * size);
    const large =
      wave === 0 ? ofWave.splice(0, LARGE.lines).map((line) => ({ ...line, amount: line.amount + LARGE.more })) : [];
    const cut = Math.ceil(ofWave.length * (0.2 + 0.6 * dice.draw('cut', wave)));
    return [large, ofWave.slice(0, cut), ofWave.slice(cut)].filter((part) => part.length > 0).map(bulkOf);
  });

  function bulkOf(part: readonly PlannedPayout[]): PlannedBulk {
    number += 1;
    const lot = dice.draw('act', number);
    return {
      key: `prove-bulk-${seed}-${number}`,
      lines: part,
      scheduledInMs: dice.draw('scheduled', number) < 0.15 ? 2_000 : null,
      act: lot < 0.25 ? 'pause' : lot < 0.35 ? 'cancel' : null,
      retries: dice.draw('retried', number) < 0.5,
    };
  }
}
