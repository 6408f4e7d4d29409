/** Questions that only people may answer; an open one freezes its payout. */
export const REVIEW_KINDS = [
  'settlement_window_over',
  'double_credit',
  'mismatch',
  'late_credit',
  'contradiction',
  'no_progress',
  'compensation_failed',
  'statement_mismatch',
] as const;

export type ReviewKind = (typeof REVIEW_KINDS)[number];

/** What two persons may decide of a payout. `paid` and `not_paid` need evidence; the others continue its way. */
export const RESOLUTIONS = ['paid', 'not_paid', 'keep_looking', 'send_again', 'cancel', 'returned'] as const;

export type Resolution = (typeof RESOLUTIONS)[number];
