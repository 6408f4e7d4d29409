/** Questions that only people may answer; an open one freezes its payout. */
export const REVIEW_KINDS = [
  'settlement_window_over',
  'double_credit',
  'mismatch',
  'late_credit',
  'contradiction',
  'no_progress',
  'statement_mismatch',
  'statement_refusal',
  'after_restore',
  'stranger',
  'undo_refused',
] as const;

export type ReviewKind = (typeof REVIEW_KINDS)[number];

/**
 * What two persons may decide of a payout. `paid` and `not_paid` may turn a final state too; `keep_looking`,
 * `send_again` and `cancel` let a payout in review go on; `dismiss` closes the questions about a final one as it is.
 */
export const RESOLUTIONS = ['paid', 'not_paid', 'keep_looking', 'send_again', 'cancel', 'dismiss'] as const;

export type Resolution = (typeof RESOLUTIONS)[number];
