import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import type { Actor } from '../domain/principal';
import { lockDuplicateCheck } from './duplicate-check-lock';
import { refusalOf } from './errors';
import { insertKeyBinding } from './idempotency-keys';
import type { IdempotencyKey, KeyBinding } from './idempotency-keys';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import { hasOpenReviewItem } from './review-items';
import { findSentAgain } from './sent-again';
import { withTransaction } from './transaction';

export interface Retry {
  /** The failed payout as it was read before its earlier references were looked up. */
  payout: Payout;
  actor: Actor;
  at: Date;
  key: IdempotencyKey;
  binding: Omit<KeyBinding, 'objectId'>;
}

/** `changed`: it is no longer as it was read. `duplicate`: the key was bound by somebody who committed first. */
export type RetryResult =
  | 'retried'
  | 'changed'
  | 'duplicate'
  | 'review_open'
  | 'insufficient_float'
  | 'unproven_submission'
  /** Another payout with its reference was accepted since, and pays or may. */
  | 'sent_again';

/** The payout as a retry leaves it: a new attempt with a new hold and a settlement window of its own. */
export function retriedPayout(payout: Payout, at: Date): Payout {
  return {
    ...payout,
    state: 'queued',
    reason: 'retried_by_merchant',
    version: payout.version + 1,
    attempt: payout.attempt + 1,
    holdNo: payout.holdNo + 1,
    settleBy: null,
    providerReference: null,
    retryAt: null,
    deferrals: 0,
    updatedAt: at,
    finishedAt: null,
  };
}

/** Takes a new hold and sends a failed payout back to the queue, in one transaction with the key that asked for it. */
export async function retryPayout(pool: Pool, retry: Retry): Promise<RetryResult> {
  try {
    return await withTransaction(pool, async (trx) => {
      const payout = await lockPayout(trx, retry.payout.id);
      if (payout.state !== 'failed' || payout.version !== retry.payout.version) return 'changed';
      if (await hasOpenReviewItem(trx, payout.id)) return 'review_open';
      await lockDuplicateCheck(trx, payout);
      const sentAgain = await findSentAgain(trx, { payoutIds: [payout.id], days: 0 });
      if (sentAgain.size > 0) return 'sent_again';
      const { attempt, holdNo } = retriedPayout(payout, retry.at);
      await movePayout(trx, payout, {
        to: 'queued',
        actor: retry.actor,
        reason: 'retried_by_merchant',
        attempt,
        holdNo,
        settleBy: null,
      });
      await trx.query(
        `update payouts set updated_at = $2, nudged = true, sweep_after = clock_timestamp() + interval '10 seconds'
         where id = $1`,
        [payout.id, retry.at],
      );
      await insertKeyBinding(trx, retry.key, { ...retry.binding, objectId: payout.id });
      await trx.query('select open_hold($1)', [payout.id]);
      return 'retried';
    });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === 'duplicate' || refusal === 'insufficient_float' || refusal === 'unproven_submission')
      return refusal;
    throw error;
  }
}
