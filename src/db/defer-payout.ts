import type { Pool } from 'pg';

import type { ProviderWords } from '../domain/outcome';
import { isToBeSent } from '../domain/payout';
import type { Reason } from '../domain/reasons';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import { withTransaction } from './transaction';

export interface Deferral {
  payoutId: string;
  attempt: number;
  reason: Reason;
  words?: ProviderWords;
  /** Milliseconds of the first wait, and the longest one; it doubles with each deferral. */
  firstMs: number;
  maxMs: number;
}

/** The wait before the next try: doubles from `firstMs` with each deferral in a row, up to `maxMs`. */
export function backOffMs(deferrals: number, { firstMs, maxMs }: Pick<Deferral, 'firstMs' | 'maxMs'>): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(deferrals, 30));
}

/**
 * Puts a payout back where it waited because it could not be sent: nothing left, nothing is written of the attempt.
 * One event per change of reason, however long it waits. Does nothing where the payout is elsewhere by now.
 */
export async function deferPayout(pool: Pool, deferral: Deferral): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, deferral.payoutId);
    if (!isToBeSent(payout) || payout.attempt !== deferral.attempt) return;
    const wait = backOffMs(payout.deferrals, deferral);
    if (payout.reason === deferral.reason && !payout.resend) {
      await trx.query(
        `update payouts set retry_at = clock_timestamp() + $2 * interval '1 millisecond', deferrals = deferrals + 1
         where id = $1`,
        [payout.id, wait],
      );
      return;
    }
    await movePayout(trx, payout, {
      to: payout.state,
      actor: 'system',
      reason: deferral.reason,
      ...(deferral.words === undefined ? {} : { words: deferral.words }),
      retryAt: new Date(Date.now() + wait),
      deferrals: payout.deferrals + 1,
    });
  });
}
