/** The times that payout activities keep, all in milliseconds; set from the configuration, short in tests. */
export interface PayoutSettings {
  /** From the intent until the first byte must have left. */
  sendByMs: number;
  /** After send_by, until a submission without an outcome counts as unknown. */
  sendByMarginMs: number;
  backOff: { firstMs: number; maxMs: number };
  /** For how long look-ups go on after `failed`. */
  watchMs: number;
  poll: { firstMs: number; maxMs: number };
  /** For how long a payout that was taken just now is asked for beside its workflow, before the provider's queue does. */
  pollAtOnceMs: number;
  /** How long one poll or look-up attempt loops before it hands over to the engine's retry. */
  pollLoopMs: number;
  /** Overrides the provider's own window where it is set. */
  settlementWindowMs: number | null;
}
