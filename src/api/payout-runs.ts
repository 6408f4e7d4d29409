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
  /** Looks up every earlier reference of a failed payout. Never throws. */
  checkRetry(payoutId: string, provider: ProviderId): Promise<'clear' | 'paid' | 'unsure' | 'unavailable'>;
  /** The provider's own balance of an account, in minor units as digits; null where it cannot be asked now. */
  providerBalance(credentialId: string, provider: ProviderId): Promise<ProviderBalance | null>;
}

export interface ProviderBalance {
  amount: string;
  currency: string;
  /** ISO 8601: when it was asked. */
  at: string;
}
