import type { Pool } from 'pg';

import { newId } from '../../src/db/ids';
import { movePayout } from '../../src/db/move-payout';
import { lockPayout } from '../../src/db/payout-rows';
import { insertSubmission, listSubmissions, writeOutcome } from '../../src/db/submissions';
import { withTransaction } from '../../src/db/transaction';
import type { Outcome } from '../../src/domain/outcome';

/** Writes the intent of a queued payout's attempt, as a worker does. Returns the submission's id. */
export async function writeIntent(pool: Pool, payoutId: string): Promise<string> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    const submission = {
      id: newId('sub'),
      writer: null,
      payoutId,
      attempt: payout.attempt,
      call: 1,
      provider: payout.provider,
      credentialId: payout.credentialId,
      accountNumber: '770000001',
      amount: payout.amount,
      currency: payout.currency,
      holdNo: payout.holdNo,
      sendByMs: 10_000,
    };
    await insertSubmission(trx, submission);
    await movePayout(trx, payout, { to: 'processing', actor: 'system', reason: 'sending' });
    return submission.id;
  });
}

/** Writes the answer to the payout's only open submission and moves the payout where it takes it. */
export async function writeAnswer(
  pool: Pool,
  payoutId: string,
  to: 'pending' | 'unknown' | 'succeeded' | 'failed',
): Promise<void> {
  const words = { code: '60', text: 'said so' };
  const outcomes: Record<typeof to, Outcome> = {
    pending: { ...words, outcome: 'accepted', providerReference: `OM-${payoutId}` },
    unknown: { ...words, outcome: 'unknown', reason: 'time-out' },
    succeeded: { ...words, outcome: 'settled', providerReference: `OM-${payoutId}` },
    failed: { ...words, outcome: 'rejected', kind: 'final', remedy: null },
  };
  const reasons = {
    pending: 'provider_accepted',
    unknown: 'answer_lost',
    succeeded: 'provider_settled',
    failed: 'provider_rejected',
  } as const;
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    const submission = (await listSubmissions(trx, payoutId)).at(-1)!;
    await writeOutcome(trx, submission, outcomes[to], { source: 'answer', sourceId: submission.id });
    await movePayout(trx, payout, { to, actor: 'provider', reason: reasons[to], words, submissionId: submission.id });
    if (to === 'succeeded') await trx.query('select capture_hold($1, $2)', [payoutId, submission.id]);
    if (to === 'failed') await trx.query('select release_hold($1)', [payoutId]);
  });
}

/** A queued payout that the provider refused for good. */
export async function failPayout(pool: Pool, payoutId: string): Promise<void> {
  await writeIntent(pool, payoutId);
  await writeAnswer(pool, payoutId, 'failed');
}
