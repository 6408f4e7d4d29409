import type { ProviderId } from '../domain/methods';
import type { PayoutStart } from '../domain/payout-start';
import type { RunProgress } from '../workflows/contract';

/** How the API reaches the engine. Everything here may fail while the engine is down; nothing is lost by that. */
export interface PayoutRuns {
  /** Starts the payout's run, or leaves the one alone that it has. */
  start(payout: PayoutStart): Promise<void>;
  /** Makes sure that a bulk has a run. */
  ensureBulk(bulkId: string): Promise<void>;
  /** Tells the bulk's run, or a new one, of a decision that its row says by now. Settles when the run has heard it. */
  bulkDecided(decision: { id: string; version: number }): Promise<void>;
  /** Tells the run to read the payout again. */
  signalChanged(payoutId: string): Promise<void>;
  /** Tells the run of a stored callback. */
  signalReported(payoutId: string, callbackId: string): Promise<void>;
  /** What only the run and its engine know; null within a second where it is closed or cannot be reached. */
  progress(payoutId: string): Promise<RunProgress | null>;
  /**
   * Has every earlier reference of a failed payout looked up; settles when that has ended, or does not in time. What was found is
   * read from PostgreSQL: whatever the engine says of it is no proof. Never throws.
   */
  checkRetry(check: RetryCheck): Promise<void>;
  /** The provider's own balance of an account, in minor units as digits; null where it cannot be asked now. */
  providerBalance(credentialId: string, provider: ProviderId): Promise<ProviderBalance | null>;
}

/** The check of a payout that comes after another one: those who ask for it at once share it. */
export interface RetryCheck {
  payoutId: string;
  provider: ProviderId;
  after: bigint;
}

export interface ProviderBalance {
  amount: string;
  currency: string;
  /** ISO 8601: when it was asked. */
  at: string;
}
