import { CALLBACK_CLAIMS, callbackEffect } from '../../../src/domain/callback-merge';
import type { CallbackClaim, CallbackEffect } from '../../../src/domain/callback-merge';
import { PAYOUT_STATE_NAMES } from '../../../src/domain/payout-state';
import type { PayoutState } from '../../../src/domain/payout-state';

/** What a callback sets off: by the payout's state, for each claim in the order success, failed, other. */
const TABLE: Readonly<Record<PayoutState, readonly [CallbackEffect, CallbackEffect, CallbackEffect]>> = {
  accepted: ['look_up', 'look_up', 'look_up'],
  scheduled: ['look_up', 'look_up', 'look_up'],
  queued: ['look_up', 'look_up', 'look_up'],
  processing: ['look_up', 'look_up', 'look_up'],
  pending: ['look_up', 'look_up', 'look_up'],
  unknown: ['look_up', 'look_up', 'look_up'],
  in_review: ['look_up', 'look_up', 'look_up'],
  succeeded: ['known', 'verify', 'verify'],
  failed: ['verify', 'known', 'verify'],
  cancelled: ['verify', 'known', 'verify'],
  returned: ['verify', 'known', 'verify'],
};

describe('the merge table of callbacks', () => {
  const rows = PAYOUT_STATE_NAMES.flatMap((state) =>
    CALLBACK_CLAIMS.map((claim, index): [PayoutState, CallbackClaim, CallbackEffect] => [
      state,
      claim,
      TABLE[state][index]!,
    ]),
  );

  test.each(rows)('%s hears %s: %s', (state, claim, effect) => {
    expect(callbackEffect(state, claim)).toBe(effect);
  });
});
