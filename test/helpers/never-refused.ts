import type { OnRefused } from '../../src/db/refusals';

/** For work of which PostgreSQL refuses nothing. */
export const neverRefused: OnRefused = (payoutId, error) => {
  throw new Error(`${payoutId} was refused`, { cause: error });
};
