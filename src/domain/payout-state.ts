/** Every state of a payout with what it means and waits for; docs/payout-states.md is generated from these two tables. */
export const PAYOUT_STATES = {
  accepted: 'a line of a bulk that has not started: nothing is held yet',
  scheduled: 'the amount is held; waits for its time',
  queued: 'the amount is held; waits for its turn, for a credential or for operations (the reason is shown)',
  processing: 'an attempt is being prepared or sent',
  pending: 'the provider has it; its final answer is awaited',
  unknown: 'money may have moved and nobody can tell yet; look-ups are at work',
  in_review: 'two people decide with evidence',
  succeeded: 'final: paid, the hold is captured',
  failed: 'final: proven not paid, the hold is released',
  cancelled: 'final: never sent, the hold is released',
  returned: 'final: the money came back after success, the float is credited again',
} as const;

export type PayoutState = keyof typeof PAYOUT_STATES;

export const PAYOUT_STATE_NAMES = Object.keys(PAYOUT_STATES) as [PayoutState, ...PayoutState[]];

/** Where each state may go. The same pairs are rows of `payout_transitions`; a test holds the two equal. */
export const PAYOUT_TRANSITIONS: Readonly<Record<PayoutState, readonly PayoutState[]>> = {
  accepted: ['queued', 'cancelled'],
  scheduled: ['queued', 'cancelled', 'in_review'],
  queued: ['processing', 'cancelled', 'in_review'],
  processing: ['pending', 'succeeded', 'failed', 'unknown', 'queued', 'cancelled', 'in_review'],
  pending: ['succeeded', 'failed', 'unknown', 'in_review'],
  unknown: ['pending', 'succeeded', 'failed', 'in_review', 'processing', 'queued'],
  in_review: ['succeeded', 'failed', 'unknown', 'queued', 'cancelled'],
  succeeded: ['returned', 'failed'],
  failed: ['queued', 'succeeded'],
  cancelled: ['succeeded'],
  returned: [],
};

export const FINAL_STATES = ['succeeded', 'failed', 'cancelled', 'returned'] as const satisfies readonly PayoutState[];

export type FinalState = (typeof FINAL_STATES)[number];

export function isFinalState(state: PayoutState): state is FinalState {
  return (FINAL_STATES as readonly PayoutState[]).includes(state);
}

/** Off the ordinary way from acceptance to success. PostgreSQL indexes them; a test holds its list equal. */
export const RARE_STATES: readonly PayoutState[] = [
  'scheduled',
  'unknown',
  'in_review',
  'failed',
  'cancelled',
  'returned',
];

export function canMove(from: PayoutState, to: PayoutState): boolean {
  return PAYOUT_TRANSITIONS[from].includes(to);
}
