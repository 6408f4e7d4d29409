import type { Logger } from 'pino';
import type { Pool } from 'pg';

import type { PayoutSettings } from '../activities/payout-settings';
import type { ProviderAccess } from '../activities/provider-access';
import type { RequestBudget } from '../activities/request-budget';

/** Lines that a bulk's run had in hand within a time, and whether failed ones may have been taken back in it. */
export interface CarriedSeen {
  chunks: readonly { from: number; to: number; runId: string }[];
  hasRetried: boolean;
}

/** The engine as a witness; implemented over a Temporal client. */
export interface EngineEvidence {
  /** Every attempt of the payout in any of its runs, or null where the engine knows no run of it. */
  submitsOf(payoutId: string): Promise<readonly { attempt: number; runId: string; isProvenUnpaid: boolean }[] | null>;
  /** Ids of the payouts whose runs were started since then. */
  payoutsStartedSince(since: Date): AsyncIterable<string>;
  /** What was done to a bulk's lines within a time, or null where the engine knows no run of the bulk. */
  carriedWithin(bulkId: string, time: { since: Date; until: Date }): Promise<CarriedSeen | null>;
  /** Ids of the bulks of which a run was started since then. */
  bulksStartedSince(since: Date): AsyncIterable<string>;
}

/** What a reconciliation works with. */
export interface RestoreDeps {
  pool: Pool;
  access: ProviderAccess;
  budget: RequestBudget;
  settings: PayoutSettings;
  engine: EngineEvidence;
  logger: Logger;
}
