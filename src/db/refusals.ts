import type { Logger } from 'pino';
import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { isGuardRefusal, refusalOf } from './errors';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { putInReview } from './put-in-review';
import { openReviewItem } from './review-items';
import { withSavepoint, withTransaction } from './transaction';

/** Told of each refusal of a payout that was put before people: it alarms, each time. */
export type OnRefused = (payoutId: string, error: Error) => void;

/** What became of a payout of which PostgreSQL's guards refused something. */
export interface AskedPeople {
  payout: Payout;
  /** Why it could not be frozen either; null where it was. The question stands all the same. */
  unfrozen: Error | null;
}

/** Rule 18: what PostgreSQL's guards refuse alarms. */
export function alarmRefusal(logger: Logger, about: object, error: Error): void {
  const told = { ...about, refusal: refusalOf(error), why: error.message };
  logger.error(told, 'what was to be undone was refused; people must look');
}

/** The alarm for lines that a transaction of their bulk puts before people by itself. */
export function alarmOfLines(logger: Logger, bulkId: string): OnRefused {
  return (payoutId, error) => alarmRefusal(logger, { bulkId, payoutId }, error);
}

/** Alarms, and asks people in a transaction of its own. Throws like `askAboutRefusal`. */
export async function bringToPeople(
  { pool, logger }: { pool: Pool; logger: Logger },
  payoutId: string,
  refusal: Error,
): Promise<AskedPeople> {
  alarmRefusal(logger, { payoutId }, refusal);
  const asked = await withTransaction(pool, (trx) => askAboutRefusal(trx, payoutId, refusal));
  if (asked.unfrozen) alarmRefusal(logger, { payoutId }, asked.unfrozen);
  return asked;
}

/** Does `work` on a payout; null where it is refused and people are asked. Throws like `askAboutRefusal`. */
export async function orAskPeople<T>(
  deps: { pool: Pool; logger: Logger },
  payoutId: string,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    await bringToPeople(deps, payoutId, error);
    return null;
  }
}

/**
 * Asks people about a refusal (rule 18): opens the question and freezes the payout. Locks it. Throws the refusal where it is
 * of the hold of a whole bulk: no line is to be asked about.
 */
export async function askAboutRefusal(trx: Db, payoutId: string, refusal: Error): Promise<AskedPeople> {
  const question = { kind: 'undo_refused', detail: refusal.message } as const;
  const payout = await lockPayout(trx, payoutId);
  if (refusalOf(refusal) === 'hold_closed' && (await isBulkHoldClosed(trx, payoutId))) throw refusal;
  try {
    const reviewed = await withSavepoint(trx, () => putInReview(trx, payout, { ...question, reason: 'review_opened' }));
    return { payout: reviewed, unfrozen: null };
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    await openReviewItem(trx, { ...question, payoutId });
    return { payout, unfrozen: error };
  }
}

/** The whole hold of its bulk is closed, though not this line's part of it: any line would be refused. */
async function isBulkHoldClosed(trx: Db, payoutId: string): Promise<boolean> {
  const { rowCount } = await trx.query(
    `select from payouts line join holds hold on hold.owner = line.owner and hold.hold_no = line.hold_no
     where line.id = $1 and hold.owner = 'bulk/' || line.bulk_id and hold.closed_by is not null and not exists (
       select from bulk_parts part where part.payout_id = line.id and part.hold_no = line.hold_no)`,
    [payoutId],
  );
  return rowCount === 1;
}
