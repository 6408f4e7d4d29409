import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { refusalOf } from '../db/errors';
import type { DbRefusal } from '../db/errors';
import { lockPayout } from '../db/payout-rows';
import { readPosition } from '../db/positions';
import { putInReview } from '../db/put-in-review';
import { openReviewItem } from '../db/review-items';
import { withTransaction } from '../db/transaction';
import type { Position } from '../domain/position';
import { undoRefused } from './failures';
import type { PayoutSettings } from './payout-settings';

/** What the guards of money refuse. No retry cures it: what we know and what PostgreSQL can prove differ. */
const REFUSALS: readonly (DbRefusal | null)[] = ['unproven_submission', 'transition_refused', 'hold_closed'];

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

  /** Logs a refusal. False where the error is something else. */
  function isRefusal(error: unknown, about: object): boolean {
    const refusal = refusalOf(error);
    if (!REFUSALS.includes(refusal)) return false;
    logger.error(
      { ...about, refusal, why: (error as Error).message },
      'what was to be undone was refused; people must look',
    );
    return true;
  }

  async function ask(payoutId: string, error: unknown): Promise<void> {
    const question = { kind: 'undo_refused', detail: (error as Error).message } as const;
    try {
      await withTransaction(pool, async (trx) => {
        await putInReview(trx, await lockPayout(trx, payoutId), { ...question, reason: 'review_opened' });
      });
    } catch (again) {
      if (!isRefusal(again, { payoutId })) throw again;
      await openReviewItem(pool, { ...question, payoutId });
      throw undoRefused();
    }
  }

  return {
    toPeople: (step) => async (input) => {
      try {
        return await step(input);
      } catch (error) {
        const payoutId = typeof input === 'string' ? input : input.payoutId;
        if (!isRefusal(error, { payoutId })) throw error;
        await ask(payoutId, error);
        return await readPosition(pool, payoutId, settings);
      }
    },

    logged: (step) => async (input) => {
      try {
        return await step(input);
      } catch (error) {
        isRefusal(error, typeof input === 'string' ? { bulkId: input } : input);
        throw error;
      }
    },
  };
}
