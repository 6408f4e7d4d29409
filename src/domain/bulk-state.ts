/** Every state of a bulk cash-in with what it means; docs/bulk-states.md is generated from these two tables. */
export const BULK_STATES = {
  receiving: 'its lines are coming in and are checked; nothing is held',
  invalid: 'final: refused; only the report is kept, for a day',
  ready: 'checked whole and accepted; it starts, or waits for what is named next',
  awaiting_approval: 'another person than the one who sent it must approve it',
  scheduled: 'waits for its time; nothing is held',
  awaiting_float: 'the float is too small for the whole; nothing was sent, and it goes on after a top-up',
  running: 'the whole amount is held, and its lines are being sent',
  paused: 'no further line leaves; those that left are followed to their end',
  stopping: 'cancelled: no further line leaves, and those that left are followed to their end',
  completed: 'every line is final or in review',
  rejected: 'final: the approval was refused or did not come in time; nothing was sent',
  cancelled: 'final: the rest was never sent, and what was held for it is released',
} as const;

export type BulkState = keyof typeof BULK_STATES;

export const BULK_STATE_NAMES = Object.keys(BULK_STATES) as [BulkState, ...BulkState[]];

/** Where each state may go. The same pairs are rows of `bulk_transitions`; a test holds the two equal. */
export const BULK_TRANSITIONS: Readonly<Record<BulkState, readonly BulkState[]>> = {
  receiving: ['ready', 'invalid'],
  invalid: [],
  ready: ['awaiting_approval', 'scheduled', 'awaiting_float', 'running', 'cancelled'],
  awaiting_approval: ['scheduled', 'awaiting_float', 'running', 'rejected', 'cancelled'],
  scheduled: ['awaiting_float', 'running', 'cancelled'],
  awaiting_float: ['running', 'cancelled'],
  running: ['paused', 'stopping', 'completed'],
  paused: ['running', 'stopping'],
  stopping: ['cancelled'],
  completed: ['running'],
  rejected: [],
  cancelled: [],
};

/** Nothing of it goes on by itself. `completed` may be taken up again by `retry-failed`. */
export const RESTING_BULK_STATES = [
  'invalid',
  'completed',
  'rejected',
  'cancelled',
] as const satisfies readonly BulkState[];

export function isRestingBulk(state: BulkState): boolean {
  return (RESTING_BULK_STATES as readonly BulkState[]).includes(state);
}

export function canBulkMove(from: BulkState, to: BulkState): boolean {
  return BULK_TRANSITIONS[from].includes(to);
}

/** Stable codes of why a bulk is where it is. */
export const BULK_REASONS = {
  coming_in: 'its lines are being received',
  refused_whole: 'at least one error; nothing of it was taken',
  cut_off: 'its lines stopped coming before the end',
  dry_run: 'it was only to be checked; nothing of it was taken',
  repeated: 'its key named a bulk already, which was answered',
  accepted_by_api: 'checked whole; nothing is held yet',
  above_threshold: "it is above the merchant's threshold; another person must approve it",
  approved: 'another person approved it',
  approval_refused: 'another person refused it',
  approval_expired: 'nobody decided in time',
  scheduled_by_api: 'accepted for a later time',
  insufficient_float: 'the available float is smaller than what is to be held',
  held: 'the amount is held; its lines are sent',
  all_lines_rest: 'every line is final or in review',
  paused_by_merchant: 'paused; no further line leaves',
  resumed_by_merchant: 'goes on',
  cancelled_by_merchant: 'cancelled; no further line leaves',
  retry_failed: 'its failed lines are looked up once more, and taken back where that shows nothing',
  nothing_to_retry: 'no failed line may be sent again: each is with people, or not proven unpaid',
  all_lines_stopped: 'every line is final or in review; the rest was never sent',
} as const;

export type BulkReason = keyof typeof BULK_REASONS;
