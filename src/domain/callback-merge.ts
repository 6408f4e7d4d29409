import { isProvenUnpaid } from './outcome';
import type { SubmissionOutcome } from './outcome';
import { isFinalState } from './payout-state';
import type { PayoutState } from './payout-state';

export const CALLBACK_CLAIMS = ['success', 'failed', 'other'] as const;

/** What a callback says happened. A callback is a hint: nothing settles on it alone (rule 15). */
export type CallbackClaim = (typeof CALLBACK_CLAIMS)[number];

/**
 * What a callback sets off. `look_up`: the payout's run asks the provider now. `known`: it says what is known of its submission
 * already. `verify`: it contradicts that, or tells more; every submission is looked up at once, which decides what becomes of it,
 * and the state stays.
 */
export type CallbackEffect = 'look_up' | 'known' | 'verify';

/** The submission that a callback names, as far as the merge table needs it. */
export interface NamedSubmission {
  outcome: SubmissionOutcome;
  /** The callback names another transaction than is known of it, another amount or another recipient. */
  isOther: boolean;
}

/**
 * The merge table of early, late, double and contradictory callbacks: by the submission that one names, since its payout may
 * have gone on with another.
 */
export function callbackEffect(
  state: PayoutState,
  claim: CallbackClaim,
  { outcome, isOther }: NamedSubmission,
): CallbackEffect {
  if (claim === 'success' && isOther) return 'verify';
  if (outcome === 'settled') return claim === 'success' ? 'known' : 'verify';
  if (isProvenUnpaid(outcome)) return claim === 'failed' ? 'known' : 'verify';
  // Nobody else asks about a payout that is final or with people.
  return isFinalState(state) || state === 'in_review' ? 'verify' : 'look_up';
}
