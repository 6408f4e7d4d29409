import type { Db } from './pool';

/**
 * Has every submission of a payout looked up at once, once, whatever its state: something was told of it that the state does not
 * explain. The look-up decides what becomes of that.
 */
export async function lookUpNow(db: Db, payoutId: string): Promise<void> {
  await db.query('update payouts set next_watch_at = clock_timestamp() where id = $1', [payoutId]);
}
