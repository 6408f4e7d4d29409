import type { PayoutState } from './payout-state';

export const CALLBACK_CLAIMS = ['success', 'failed', 'other'] as const;

/** What a callback says happened. A callback is a hint: nothing settles on it alone (rule 15). */
export type CallbackClaim = (typeof CALLBACK_CLAIMS)[number];

/**
 * What a callback sets off. `look_up`: the payout's run asks the provider now. `known`: it says what is settled already.
 * `verify`: it contradicts a final state; a look-up decides whether a review item is opened, and the state stays.
 */
export type CallbackEffect = 'look_up' | 'known' | 'verify';

/** The merge table of early, late, double and contradictory callbacks. */
export function callbackEffect(state: PayoutState, claim: CallbackClaim): CallbackEffect {
  switch (state) {
    case 'accepted':
    case 'scheduled':
    case 'queued':
    case 'processing':
    case 'pending':
    case 'unknown':
    case 'in_review':
      return 'look_up';
    case 'succeeded':
      return claim === 'success' ? 'known' : 'verify';
    case 'failed':
    case 'cancelled':
    case 'returned':
      return claim === 'failed' ? 'known' : 'verify';
    default:
      return state satisfies never;
  }
}
