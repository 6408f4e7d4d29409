import type { Payout } from '../domain/payout';
import { isFinalState } from '../domain/payout-state';
import type { Reason } from '../domain/reasons';
import type { ReviewKind } from '../domain/review';
import { movePayout } from './move-payout';
import type { Db } from './pool';
import { openReviewItem } from './review-items';

/**
 * Asks people: opens the item and freezes the payout, unless its state is final, which only their decision changes.
 * The payout must be locked by the caller's transaction.
 */
export async function putInReview(
  trx: Db,
  payout: Payout,
  question: { kind: ReviewKind; detail: string | null; reason: Reason; submissionId?: string },
): Promise<Payout> {
  await openReviewItem(trx, { payoutId: payout.id, kind: question.kind, detail: question.detail });
  if (isFinalState(payout.state) || payout.state === 'in_review') return payout;
  return await movePayout(trx, payout, {
    to: 'in_review',
    actor: 'system',
    reason: question.reason,
    ...(question.submissionId === undefined ? {} : { submissionId: question.submissionId }),
  });
}
