import type { Currency } from './currency';
import type { Environment } from './environment';
import type { PayoutState } from './payout-state';
import type { Reason } from './reasons';
import type { Step } from './resume';

/** Where a payout stands, as its run sees it: ids, states, times and the amount only, no personal data and no secret. */
export interface Position {
  payoutId: string;
  merchantId: string;
  environment: Environment;
  method: string;
  provider: string;
  state: PayoutState;
  reason: Reason;
  version: number;
  attempt: number;
  step: Step;
  /** Milliseconds until the step is due, by the database's clock; 0 where it is due now. */
  dueInMs: number;
  /** Milliseconds until the settlement window of an unproven submission ends; null where none is open. */
  settleInMs: number | null;
  /**
   * Milliseconds for which a payout that was taken just now is asked for beside the workflow, before the provider's queue
   * takes over. Absent in what runs recorded before there was such a thing: they replay as they were.
   */
  askAtOnceMs?: number;
  /** In minor units. What follows is for people only, and absent in recorded runs that are older than it. */
  amount?: string;
  currency?: Currency;
  /** The last code that the provider told of any attempt; null where it told none. */
  providerCode?: string | null;
}
