import type { Payout } from '../domain/payout';
import { ownPayoutOwner } from '../domain/payout';
import type { PayoutMove } from './move-payout';
import type { Db } from './pool';

/** Of a row of `payouts`: two persons send this line again although its bulk was cancelled, and knew of that. */
export const SENT_AGAIN_SINCE_CANCEL = `exists (
  select from decisions where payout_id = payouts.id and resolution = 'send_again' and confirmed_at > (
    select max(at) from bulk_events where bulk_id = payouts.bulk_id and reason = 'cancelled_by_merchant'))`;

export async function isSentAgainSinceCancel(db: Db, payoutId: string): Promise<boolean> {
  const { rowCount } = await db.query(`select 1 from payouts where id = $1 and ${SENT_AGAIN_SINCE_CANCEL}`, [payoutId]);
  return rowCount === 1;
}

/** Whether a payout in review may be opened again: it stands alone, or its bulk holds its amount and can hand that over. */
export async function canStandAlone(db: Db, payout: Payout): Promise<boolean> {
  if (payout.owner === ownPayoutOwner(payout.id)) return true;
  const { rowCount } = await db.query('select 1 from holds where owner = $1 and hold_no = $2 and closed_by is null', [
    payout.owner,
    payout.holdNo,
  ]);
  return rowCount === 1;
}

/**
 * Hands a line's part of the hold over where people open it again: its bulk may be at its end, so that nobody but a run of
 * its own would carry it. What the move of the line, in the same transaction, must say. Nothing of a payout that stands alone.
 */
export async function handOverDecided(trx: Db, payout: Payout): Promise<Pick<PayoutMove, 'owner'>> {
  const owner = ownPayoutOwner(payout.id);
  if (payout.owner === owner) return {};
  await trx.query('select hand_over_holds($1, $2)', [payout.bulkId, [payout.id]]);
  return { owner };
}
