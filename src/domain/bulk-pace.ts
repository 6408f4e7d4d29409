import { isRestingBulk } from './bulk-state';
import type { BulkState } from './bulk-state';

/** How many lines of a bulk were at rest some time ago. */
export interface BulkSample {
  resting: number;
  /** Milliseconds. */
  age: number;
}

export interface BulkPace {
  /** Lines that came to rest per minute since the sample; null where none is old enough, or nothing is under way. */
  rate: number | null;
  /** Milliseconds until the last line rests, if the others come to rest as those since the sample did; null: cannot be told. */
  endsIn: number | null;
}

/** Milliseconds below which a few lines more or less would make any rate of it. */
const LEAST_AGE = 1_000;

/** How fast a bulk goes. `lines` and `resting`: of the whole, now. */
export function paceOf(
  state: BulkState,
  { lines, resting, sample }: { lines: number; resting: number; sample: BulkSample | null },
): BulkPace {
  if (isRestingBulk(state) || sample === null || sample.age < LEAST_AGE) return { rate: null, endsIn: null };
  const perMs = (resting - sample.resting) / sample.age;
  const goesOn = state === 'running' || state === 'stopping';
  return {
    rate: Math.round(perMs * 60_000 * 10) / 10,
    endsIn: goesOn && perMs > 0 ? Math.round((lines - resting) / perMs) : null,
  };
}
