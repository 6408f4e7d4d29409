import { FAULT_NAMES, SCENARIOS } from '../simulators/orange';
import type { ScenarioName } from '../simulators/orange';
import { createDice } from './dice';

/** One payout that the driver asks for. Recipient and amount are its own, so that the ledger can be read without our tables. */
export interface PlannedPayout {
  key: string;
  /** Nine digits, as the simulator's ledger spells it. */
  recipient: string;
  /** Whole XOF. */
  amount: number;
  /** What the simulator will do; null: drawn by rate. */
  scenario: ScenarioName | null;
  /** Milliseconds from the request; null: at once. */
  scheduledInMs: number | null;
  /** Milliseconds after the 202; null: not cancelled. */
  cancelAfterMs: number | null;
  /** Whether it is retried once, where it failed. */
  retries: boolean;
}

/** One number of no scenario, whose payout carries the marked personal data. */
export const MARKED_RECIPIENT = '775550199';

/** Every fault once by its magic number, the rest by chance. The same seed gives the same plan. */
export function planPayouts({ payouts, seed }: { payouts: number; seed: number }): readonly PlannedPayout[] {
  const dice = createDice(seed);
  const magic = [...FAULT_NAMES].sort((a, b) => dice.draw('order', a) - dice.draw('order', b));
  const step = Math.max(1, Math.floor(payouts / Math.max(1, magic.length)));
  return Array.from({ length: payouts }, (_, index) => {
    // Spread over the whole run, so that every kind meets kills.
    const scenario = index % step === 0 ? (magic[index / step] ?? null) : null;
    // What is there to meet its fault is not taken back before.
    const isFree = scenario === null;
    return {
      key: `prove-${seed}-${index}`,
      recipient: recipientOf(index, scenario),
      amount: 100 + index,
      scenario,
      scheduledInMs:
        isFree && dice.draw('scheduled', index) < 0.1 ? 2_000 + Math.floor(dice.draw('in', index) * 3_000) : null,
      cancelAfterMs:
        isFree && dice.draw('cancelled', index) < 0.15 ? Math.floor(dice.draw('after', index) * 400) : null,
      retries: dice.draw('retried', index) < 0.3,
    };
  });
}

function recipientOf(index: number, scenario: ScenarioName | null): string {
  const code = SCENARIOS.find(({ name }) => name === scenario)?.code;
  if (code !== null && code !== undefined) return `7700${code}${String(index % 1_000).padStart(3, '0')}`;
  if (index === 1) return MARKED_RECIPIENT;
  return `771${String(index).padStart(6, '0')}`;
}
