import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { isGuardRefusal } from '../db/errors';
import { readPosition } from '../db/positions';
import { alarmRefusal, bringToPeople } from '../db/refusals';
import type { Position } from '../domain/position';
import { undoRefused } from './failures';
import type { PayoutSettings } from './payout-settings';

type About = string | { payoutId: string } | { bulkId: string };

export interface RefusalAlarm {
  /** A refusal puts the payout before people, and the run goes on from there. Where even that is refused, no retry follows. */
  toPeople: <I extends string | { payoutId: string }>(
    step: (input: I) => Promise<Position>,
  ) => (input: I) => Promise<Position>;
  /** A refusal is logged each time, for steps whose caller knows what to do next. */
  logged: <I extends About, T>(step: (input: I) => Promise<T>) => (input: I) => Promise<T>;
}

/** Rule 18: a release that is refused alarms, and an undo that fails reaches a person instead of being tried for ever. */
export function createRefusalAlarm(deps: { pool: Pool; logger: Logger; settings: PayoutSettings }): RefusalAlarm {
  const { pool, logger, settings } = deps;

  return {
    toPeople: (step) => async (input) => {
      try {
        return await step(input);
      } catch (error) {
        if (!isGuardRefusal(error)) throw error;
        const payoutId = typeof input === 'string' ? input : input.payoutId;
        const { unfrozen } = await bringToPeople(deps, payoutId, error);
        if (unfrozen) throw undoRefused();
        return await readPosition(pool, payoutId, settings);
      }
    },

    logged: (step) => async (input) => {
      try {
        return await step(input);
      } catch (error) {
        if (isGuardRefusal(error)) alarmRefusal(logger, typeof input === 'string' ? { bulkId: input } : input, error);
        throw error;
      }
    },
  };
}
