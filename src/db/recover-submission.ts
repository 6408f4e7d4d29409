import type { Payout } from '../domain/payout';
import { isFinalState } from '../domain/payout-state';
import { submissionReference } from '../domain/reference';
import { movePayout } from './move-payout';
import type { Db } from './pool';

export interface RecoveredCall {
  attempt: number;
  call: number;
  /** What tells of it: `provider:<its reference>` or `engine:<run id>`. */
  evidence: string;
}

/**
 * Writes down a call that was made in the time that the database lost: its outcome is unknown, its attempt number is used,
 * and a payout that waited to be sent is unknown from here on, with its hold kept; so is a line of a bulk that has not begun,
 * for which nothing is held yet. A final one's call is a late check from here on, as whatever is written of it.
 * The payout is locked by the caller. Returns the payout as it then stands; unchanged where the call is known.
 */
export async function recoverSubmission(
  trx: Db,
  payout: Payout,
  { attempt, call, evidence }: RecoveredCall,
  times: { settlementWindowMs: number; watchMs: number },
): Promise<Payout> {
  const id = submissionReference({ payoutId: payout.id, attempt, call });
  const { rowCount } = await trx.query(
    `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number, amount,
       currency, send_by, outcome, reason, source, ever_unknown, outcome_at)
     select $1, payout.id, $3, $4, payout.hold_no, 'call', payout.provider, payout.credential_id,
       credential.account_number, payout.amount, payout.currency, clock_timestamp(), 'unknown', $5, 'recovery', true,
       clock_timestamp()
     from payouts payout join credentials credential on credential.id = payout.credential_id where payout.id = $2
     on conflict do nothing`,
    [id, payout.id, attempt, call, `after_restore ${evidence}`],
  );
  if (rowCount !== 1) return payout;
  const found = {
    actor: 'system',
    reason: 'found_after_restore',
    submissionId: id,
    evidence,
    attempt: Math.max(payout.attempt, attempt),
  } as const;
  if (isFinalState(payout.state)) {
    await trx.query('update payouts set attempt = $2 where id = $1', [payout.id, found.attempt]);
    return { ...payout, attempt: found.attempt };
  }
  const settleBy = payout.settleBy ?? new Date(Date.now() + times.settlementWindowMs);
  switch (payout.state) {
    case 'accepted':
    case 'scheduled':
    case 'queued': {
      const queued = payout.state !== 'queued' ? await movePayout(trx, payout, { to: 'queued', ...found }) : payout;
      const processing = await movePayout(trx, queued, { to: 'processing', ...found, settleBy });
      return await movePayout(trx, processing, { to: 'unknown', ...found });
    }
    case 'processing':
    case 'pending':
      return await movePayout(trx, payout, { to: 'unknown', ...found, settleBy });
    case 'unknown':
    case 'in_review':
      return await movePayout(trx, payout, { to: payout.state, ...found, settleBy });
    default:
      return payout.state satisfies never;
  }
}
