import type { Payout } from '../domain/payout';
import { isFinalState } from '../domain/payout-state';
import type { Reason } from '../domain/reasons';
import type { ReviewKind } from '../domain/review';
import { movePayout } from './move-payout';
import type { Db } from './pool';
import { openReviewItem, wasAnswered } from './review-items';

/** What each look-up of a provider finds again; their detail names the transaction. */
const FOUND_AGAIN: readonly ReviewKind[] = [
  'double_credit',
  'mismatch',
  'statement_mismatch',
  'late_credit',
  'contradiction',
];

/**
 * Asks people: opens the item and freezes the payout, unless its state is final, which only their decision changes: there the
 * same question, once answered, is not asked again, however often the same is found.
 * The payout must be locked by the caller's transaction.
 */
export async function putInReview(
  trx: Db,
  payout: Payout,
  question: { kind: ReviewKind; detail: string | null; reason: Reason; submissionId?: string },
): Promise<Payout> {
  const item = { payoutId: payout.id, kind: question.kind, detail: question.detail };
  if (isFinalState(payout.state)) {
    if (!FOUND_AGAIN.includes(item.kind) || !(await wasAnswered(trx, item))) await openReviewItem(trx, item);
    return payout;
  }
  await openReviewItem(trx, item);
  if (payout.state === 'in_review') return payout;
  return await movePayout(trx, payout, {
    to: 'in_review',
    actor: 'system',
    reason: question.reason,
    ...(question.submissionId === undefined ? {} : { submissionId: question.submissionId }),
  });
}
