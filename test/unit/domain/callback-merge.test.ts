import { CALLBACK_CLAIMS, callbackEffect } from '../../../src/domain/callback-merge';
import type { CallbackClaim, CallbackEffect } from '../../../src/domain/callback-merge';
import type { SubmissionOutcome } from '../../../src/domain/outcome';
import { isFinalState, PAYOUT_STATE_NAMES } from '../../../src/domain/payout-state';
import type { PayoutState } from '../../../src/domain/payout-state';

type Effects = readonly [CallbackEffect, CallbackEffect, CallbackEffect];

/** Nobody asks by themselves about a payout that is final or with people. */
const OPEN = (state: PayoutState): Effects => {
  const effect = isFinalState(state) || state === 'in_review' ? 'verify' : 'look_up';
  return [effect, effect, effect];
};

const PAID: Effects = ['known', 'verify', 'verify'];
const UNPAID: Effects = ['verify', 'known', 'verify'];

/** What a callback sets off: by what is known of the submission that it names, for each claim in the order success, failed, other. */
const TABLE: readonly (readonly [SubmissionOutcome, (state: PayoutState) => Effects])[] = [
  [null, OPEN],
  ['accepted', OPEN],
  ['unknown', OPEN],
  ['settled', () => PAID],
  ['rejected', () => UNPAID],
  ['not_sent', () => UNPAID],
  ['void', () => UNPAID],
];

describe('the merge table of callbacks', () => {
  const rows = PAYOUT_STATE_NAMES.flatMap((state) =>
    TABLE.flatMap(([outcome, effects]) =>
      CALLBACK_CLAIMS.map((claim, index): [PayoutState, SubmissionOutcome, CallbackClaim, CallbackEffect] => [
        ...([state, outcome, claim] as const),
        effects(state)[index]!,
      ]),
    ),
  );

  test.each(rows)('%s with a submission that is %s hears %s: %s', (state, outcome, claim, effect) => {
    expect(callbackEffect(state, claim, { outcome, isOther: false })).toBe(effect);
  });

  test.each(rows)(
    '%s with a submission that is %s verifies a %s of something else',
    (state, outcome, claim, effect) => {
      expect(callbackEffect(state, claim, { outcome, isOther: true })).toBe(claim === 'success' ? 'verify' : effect);
    },
  );
});
