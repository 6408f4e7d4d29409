import type { Pool } from 'pg';

import { isProvenUnpaid } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import type { Actor } from '../domain/principal';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { isRestoring } from './restores';
import { listSubmissions } from './submissions';
import { withTransaction } from './transaction';

export interface CancelRequest {
  payoutId: string;
  actor: Actor;
  reason: 'cancelled_by_merchant' | 'cancelled_by_operations';
}

export interface CancelAnswer {
  /**
   * `refused`: a bulk's line, or something of it may have been sent; the payout says which. `restoring`: what was sent
   * cannot be told yet.
   */
  result: 'cancelled' | 'already_cancelled' | 'refused' | 'restoring';
  payout: Payout;
}

/**
 * Cancels a payout that was never sent and gives its hold back. Competes with the intent for the payout's row lock:
 * whoever commits first wins. Works with Temporal stopped.
 */
export async function cancelPayout(pool: Pool, request: CancelRequest): Promise<CancelAnswer> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, request.payoutId);
    if (await isRestoring(trx)) return { result: 'restoring', payout };
    if (payout.state === 'cancelled') return { result: 'already_cancelled', payout };
    if (payout.bulkId !== null || !(await isCancellable(trx, payout))) return { result: 'refused', payout };
    const cancelled = await movePayout(trx, payout, {
      to: 'cancelled',
      actor: request.actor,
      reason: request.reason,
      settleBy: null,
    });
    await trx.query('select release_hold($1)', [payout.id]);
    return { result: 'cancelled', payout: cancelled };
  });
}

/** True while nothing of the payout, locked by the caller, can have moved money. */
export async function isCancellable(trx: Db, payout: Payout): Promise<boolean> {
  switch (payout.state) {
    case 'scheduled':
    case 'queued':
      return true;
    case 'processing':
      return (await listSubmissions(trx, payout.id)).every(({ outcome }) => isProvenUnpaid(outcome));
    case 'accepted':
    case 'pending':
    case 'unknown':
    case 'in_review':
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'returned':
      return false;
    default:
      return payout.state satisfies never;
  }
}
