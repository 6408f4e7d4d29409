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

/** One that was accepted: the driver's own list. */
export interface Asked {
  id: string;
  planned: PlannedPayout;
}

/** One number of no scenario, whose payout carries the marked personal data. */
export const MARKED_RECIPIENT = '775550199';

/** The part of a small run that is left to chance; in a large one, all that the kinds of faults leave. */
const LEFT_TO_CHANCE = 0.25;

export interface PlanOptions {
  payouts: number;
  seed: number;
  without?: readonly ScenarioName[];
}

/** Every fault but those `without` once by its magic number, as far as there is room, the rest by chance. The same seed gives the same plan. */
export function planPayouts({ payouts, seed, without = [] }: PlanOptions): readonly PlannedPayout[] {
  const dice = createDice(seed);
  const names = FAULT_NAMES.filter((name) => !without.includes(name));
  const magic = [...names].sort((a, b) => dice.draw('order', a) - dice.draw('order', b));
  const named = Math.min(magic.length, Math.floor(payouts * (1 - LEFT_TO_CHANCE)));
  let isMarked = false;
  return Array.from({ length: payouts }, (_, index) => {
    // Spread over the whole run, so that every kind meets kills.
    const place = Math.floor((index * named) / payouts);
    const isFirstOfPlace = index === 0 || place !== Math.floor(((index - 1) * named) / payouts);
    const scenario = isFirstOfPlace ? (magic[place] ?? null) : null;
    // What is there to meet its fault is not taken back before.
    const isFree = scenario === null;
    return {
      key: `prove-${seed}-${index}`,
      recipient: isFree && !isMarked ? mark() : recipientOf(index, scenario),
      amount: 100 + index,
      scenario,
      scheduledInMs:
        isFree && dice.draw('scheduled', index) < 0.1 ? 2_000 + Math.floor(dice.draw('in', index) * 3_000) : null,
      cancelAfterMs:
        isFree && dice.draw('cancelled', index) < 0.15 ? Math.floor(dice.draw('after', index) * 400) : null,
      retries: dice.draw('retried', index) < 0.3,
    };
  });

  function mark(): string {
    isMarked = true;
    return MARKED_RECIPIENT;
  }
}

/** The same fault for another payout: where the first one's call was cut off before it. */
export function planAgain(planned: PlannedPayout, payouts: number): PlannedPayout {
  const { key, recipient, amount } = planned;
  const next = String((Number(recipient.slice(-3)) + 1) % 1_000).padStart(3, '0');
  return { ...planned, key: `${key}-again`, recipient: `${recipient.slice(0, -3)}${next}`, amount: amount + payouts };
}

/** One beside the plan, for which no fault is planned. */
export function planMore({ payouts, seed, number }: { payouts: number; seed: number; number: number }): PlannedPayout {
  return {
    ...{ key: `prove-${seed}-more-${number}`, recipient: `772${String(number).padStart(6, '0')}` },
    // Above those that were planned, and those that were planned again.
    amount: 100 + 2 * payouts + number,
    ...{ scenario: null, scheduledInMs: null, cancelAfterMs: null, retries: false },
  };
}

function recipientOf(index: number, scenario: ScenarioName | null): string {
  const code = SCENARIOS.find(({ name }) => name === scenario)?.code;
  if (code !== null && code !== undefined) return `7700${code}${String(index % 1_000).padStart(3, '0')}`;
  return `771${String(index).padStart(6, '0')}`;
}
