import type { Pool } from 'pg';

import { ownPayoutOwner } from '../domain/payout';
import { isOpenCall } from '../domain/submission';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import { hasOpenReviewItem } from './review-items';
import { whySendingWaits } from './stops';
import { listSubmissions } from './submissions';
import { withTransaction } from './transaction';

/**
 * Lets an unknown payout be sent once more, as a new attempt under a new reference: where exactly one call of it is
 * unproven, a look-up made `afterMs` after that call's send-by time shows nothing, and neither people nor the end of the
 * settlement window have a say in it. The settlement window stays where it is. Does nothing otherwise.
 */
export async function allowResend(
  pool: Pool,
  { payoutId, afterMs }: { payoutId: string; afterMs: number },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (payout.state !== 'unknown' || payout.resend || payout.owner !== ownPayoutOwner(payout.id)) return;
    const [open, ...more] = (await listSubmissions(trx, payoutId)).filter(isOpenCall);
    if (open?.outcome !== 'unknown' || more.length > 0 || (await hasOpenReviewItem(trx, payoutId))) return;
    if ((await whySendingWaits(trx, payout)) !== null) return;
    const { rows } = await trx.query<{ id: string }>(
      `select id from (select * from look_ups where submission_id = $1 order by at desc limit 1) latest
       where verdict = 'absent' and rows_seen = 0 and at > $2::timestamptz + $3 * interval '1 millisecond'
         and coalesce($4::timestamptz <= clock_timestamp(), true) and coalesce($5::timestamptz > clock_timestamp(), true)`,
      [open.id, open.sendBy, afterMs, payout.retryAt, payout.settleBy],
    );
    if (!rows[0]) return;
    await movePayout(trx, payout, {
      to: 'unknown',
      actor: 'system',
      reason: 'resend_allowed',
      submissionId: open.id,
      evidence: `lookup:${rows[0].id}`,
      attempt: payout.attempt + 1,
      deferrals: payout.deferrals,
      resend: true,
    });
  });
}
