import { REJECTION_KINDS } from '../../../src/domain/outcome';
import type { RejectionKind, SubmissionOutcome } from '../../../src/domain/outcome';
import { PAYOUT_STATE_NAMES } from '../../../src/domain/payout-state';
import type { PayoutState } from '../../../src/domain/payout-state';
import { nextStep, stateAfter } from '../../../src/domain/resume';
import type { Step } from '../../../src/domain/resume';

const OUTCOMES: readonly SubmissionOutcome[] = [null, 'void', 'not_sent', 'accepted', 'settled', 'rejected', 'unknown'];

/** Every submission that a run may find: none, or one of each outcome, in time and overdue. */
const LATEST = [
  null,
  ...OUTCOMES.flatMap((outcome) =>
    [false, true].map((overdue) => ({
      outcome,
      rejection: outcome === 'rejected' ? ('final' as const) : null,
      overdue,
    })),
  ),
];

describe('the resume table', () => {
  /** In these states the submission and the turn change nothing. */
  test.each<[PayoutState, Step]>([
    ['accepted', 'leave_to_bulk'],
    ['scheduled', 'wait_for_time'],
    ['pending', 'poll'],
    ['unknown', 'look_up'],
    ['in_review', 'await_decision'],
    ['succeeded', 'close'],
    ['failed', 'close'],
    ['cancelled', 'close'],
    ['returned', 'close'],
  ])('%s: %s, whatever the submission says', (state, step) => {
    const steps = LATEST.flatMap((latest) => [
      nextStep(state, latest, true, false),
      nextStep(state, latest, false, false),
    ]);
    expect(new Set(steps)).toEqual(new Set([step]));
  });

  test('queued: sends when its turn has come, and waits before', () => {
    expect(new Set(LATEST.map((latest) => nextStep('queued', latest, true, false)))).toEqual(new Set(['send']));
    expect(new Set(LATEST.map((latest) => nextStep('queued', latest, false, false)))).toEqual(
      new Set(['wait_for_turn']),
    );
  });

  test('processing without a submission: sends, for nothing has left', () => {
    expect(nextStep('processing', null, true, false)).toBe('send');
    expect(nextStep('processing', null, false, false)).toBe('send');
  });

  test.each<[SubmissionOutcome, boolean, Step]>([
    [null, false, 'wait_for_outcome'],
    [null, true, 'recover'],
    ['void', false, 'recover'],
    ['void', true, 'recover'],
    ['not_sent', false, 'recover'],
    ['not_sent', true, 'recover'],
    ['accepted', false, 'recover'],
    ['accepted', true, 'recover'],
    ['settled', false, 'recover'],
    ['settled', true, 'recover'],
    ['rejected', false, 'recover'],
    ['rejected', true, 'recover'],
    ['unknown', false, 'recover'],
    ['unknown', true, 'recover'],
  ])('processing with outcome %s, overdue %s: %s', (outcome, overdue, step) => {
    expect(nextStep('processing', { outcome, rejection: null, overdue }, true, false)).toBe(step);
    expect(nextStep('processing', { outcome, rejection: null, overdue }, false, false)).toBe(step);
  });

  test('unknown: sent once more only where that was allowed', () => {
    expect(new Set(LATEST.map((latest) => nextStep('unknown', latest, true, true)))).toEqual(new Set(['send']));
  });

  test('a payout is sent only from queued, and from processing where no submission is written', () => {
    const sending = PAYOUT_STATE_NAMES.flatMap((state) =>
      LATEST.filter((latest) => nextStep(state, latest, true, false) === 'send').map((latest) => ({ state, latest })),
    );
    expect(new Set(sending.map(({ state }) => state))).toEqual(new Set(['queued', 'processing']));
    expect(sending.filter(({ state }) => state === 'processing')).toEqual([{ state: 'processing', latest: null }]);
  });
});

describe('the state after an outcome', () => {
  test.each<[SubmissionOutcome, RejectionKind | null, PayoutState]>([
    [null, null, 'unknown'],
    ['unknown', null, 'unknown'],
    ['void', null, 'queued'],
    ['not_sent', null, 'queued'],
    ['accepted', null, 'pending'],
    ['settled', null, 'succeeded'],
    ['rejected', 'final', 'failed'],
    ['rejected', 'credential', 'queued'],
    ['rejected', 'provider_float', 'queued'],
    ['rejected', 'throttled', 'queued'],
    ['rejected', 'stale_key', 'queued'],
  ])('%s %s: %s', (outcome, rejection, state) => {
    expect(stateAfter(outcome, rejection)).toBe(state);
  });

  test('only a final rejection fails a payout', () => {
    const failing = OUTCOMES.flatMap((outcome) =>
      [null, ...REJECTION_KINDS]
        .filter((rejection) => stateAfter(outcome, rejection) === 'failed')
        .map((rejection) => ({ outcome, rejection })),
    );
    expect(failing).toEqual([{ outcome: 'rejected', rejection: 'final' }]);
  });
});
