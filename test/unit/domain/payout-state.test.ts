import {
  canMove,
  FINAL_STATES,
  isFinalState,
  PAYOUT_STATE_NAMES,
  PAYOUT_TRANSITIONS,
} from '../../../src/domain/payout-state';
import type { PayoutState } from '../../../src/domain/payout-state';

describe('the transitions of a payout', () => {
  test.each<[PayoutState, readonly PayoutState[]]>([
    ['accepted', ['queued', 'cancelled']],
    ['scheduled', ['queued', 'cancelled', 'in_review']],
    ['queued', ['processing', 'cancelled', 'in_review']],
    ['processing', ['pending', 'succeeded', 'failed', 'unknown', 'queued', 'cancelled', 'in_review']],
    ['pending', ['succeeded', 'failed', 'unknown', 'in_review']],
    ['unknown', ['pending', 'succeeded', 'failed', 'in_review', 'processing', 'queued']],
    ['in_review', ['succeeded', 'failed', 'unknown', 'queued', 'cancelled']],
    ['succeeded', ['returned', 'failed']],
    ['failed', ['queued', 'succeeded']],
    ['cancelled', ['succeeded']],
    ['returned', []],
  ])('%s goes to %j and nowhere else', (from, to) => {
    expect(PAYOUT_STATE_NAMES.filter((state) => canMove(from, state)).toSorted()).toEqual(to.toSorted());
  });

  test('every state has its row', () => {
    expect(Object.keys(PAYOUT_TRANSITIONS).toSorted()).toEqual(PAYOUT_STATE_NAMES.toSorted());
  });

  test('no state goes to itself, and none goes back to one that comes before the hold', () => {
    for (const state of PAYOUT_STATE_NAMES) {
      expect(canMove(state, state)).toBe(false);
      expect(canMove(state, 'accepted')).toBe(false);
      expect(canMove(state, 'scheduled')).toBe(false);
    }
  });

  test('nothing whose money may have moved can be cancelled', () => {
    expect(canMove('pending', 'cancelled')).toBe(false);
    expect(canMove('unknown', 'cancelled')).toBe(false);
    expect(canMove('succeeded', 'cancelled')).toBe(false);
  });

  test('succeeded, failed, cancelled and returned are final', () => {
    expect(PAYOUT_STATE_NAMES.filter(isFinalState).toSorted()).toEqual(FINAL_STATES.toSorted());
    expect(isFinalState('unknown')).toBe(false);
    expect(isFinalState('in_review')).toBe(false);
  });
});
