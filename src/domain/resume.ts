import type { RejectionKind, SubmissionOutcome } from './outcome';
import type { PayoutState } from './payout-state';

/** What a run does next. */
export const STEPS = [
  'leave_to_bulk',
  'wait_for_time',
  'wait_for_turn',
  'send',
  'wait_for_outcome',
  'recover',
  'poll',
  'look_up',
  'await_decision',
  'close',
] as const;

export type Step = (typeof STEPS)[number];

/** The newest submission of the payout's present attempt, as far as the resume table needs it. */
export interface LatestSubmission {
  outcome: SubmissionOutcome;
  rejection: RejectionKind | null;
  /** True once `send_by` plus the margin has passed: a row without an outcome is unknown from then on, not before. */
  overdue: boolean;
}

/**
 * The resume table: what a run does that finds the payout in this state, whoever left it there.
 * Each row is tested. `processing` with an outcome is met between two calls of one attempt, whose activity is dead where
 * a run asks; `recover` then applies the outcome that stands there.
 */
export function nextStep(
  state: PayoutState,
  latest: LatestSubmission | null,
  turnIsDue: boolean,
  resend: boolean,
): Step {
  switch (state) {
    case 'accepted':
      return 'leave_to_bulk';
    case 'scheduled':
      return 'wait_for_time';
    case 'queued':
      return turnIsDue ? 'send' : 'wait_for_turn';
    case 'processing':
      if (latest === null) return 'send';
      return latest.outcome === null && !latest.overdue ? 'wait_for_outcome' : 'recover';
    case 'pending':
      return 'poll';
    case 'unknown':
      return resend ? 'send' : 'look_up';
    case 'in_review':
      return 'await_decision';
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'returned':
      return 'close';
    default:
      return state satisfies never;
  }
}

/** What becomes of a payout in `processing` when its newest submission says this. */
export function stateAfter(outcome: SubmissionOutcome, rejection: RejectionKind | null): PayoutState {
  switch (outcome) {
    case null:
    case 'unknown':
      return 'unknown';
    case 'void':
    case 'not_sent':
      return 'queued';
    case 'accepted':
      return 'pending';
    case 'settled':
      return 'succeeded';
    case 'rejected':
      return rejection === 'final' ? 'failed' : 'queued';
    default:
      return outcome satisfies never;
  }
}
