import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { forgetOldReport } from '../db/bulk-errors';
import { claimDueDrains } from '../db/bulk-outbox';
import { claimAbandonedBulks, claimDueBulks } from '../db/bulk-sweeps';
import { claimDueLateChecks } from '../db/late-checks';
import { expireLostProbes } from '../db/pin-gates';
import { refuseBulk } from '../db/receive-bulk';
import { claimDuePayouts } from '../db/sweeps';

/** How the sweeper reaches the engine; implemented over a Temporal client. */
export interface SweeperRuns {
  /** Makes sure that the payout has a run, and tells it to read the payout again where `nudge` is set. */
  ensure(payoutId: string, options: { nudge: boolean }): Promise<void>;
  ensureBulk(bulkId: string): Promise<void>;
  /** Tells the bulk's run, or a new one, to read the bulk again. */
  bulkChanged(bulkId: string): Promise<void>;
  /** One round over the account of a credential. */
  startLateSettlementCheck(credentialId: string, provider: string): Promise<void>;
  startWebhook(eventId: string, endpointId: string): Promise<void>;
  startBulkWebhook(bulkId: string, endpointId: string): Promise<void>;
  signalReported(payoutId: string, callbackId: string): Promise<void>;
}

export interface SweeperDeps {
  pool: Pool;
  runs: SweeperRuns;
  /** Deliveries that nobody has claimed for a while, with their lease taken. */
  claimWebhooks: (limit: number) => Promise<readonly { eventId: string; endpointId: string }[]>;
  /** Stored callbacks that no run has heard of yet, with their lease taken. */
  claimCallbacks: (limit: number) => Promise<readonly { callbackId: string; payoutId: string }[]>;
  /** Counts a part of a round that failed. */
  onPartFailed?: (part: string) => void;
  logger: Logger;
  everyMs: number;
  recheckMs: number;
}

export interface Sweeper {
  /** One round over everything that is due. */
  sweep(): Promise<void>;
  /** Begins nothing more; settles when what is under way has ended. */
  close(): Promise<void>;
}

/** Rows taken per round and kind: bounds what one round starts at once. */
const LIMIT = 200;

/** How many starts are under way at once. */
const CONCURRENCY = 10;

/** Batches of old reports that one round forgets at most: a large backlog takes several rounds. */
const FORGOTTEN_BATCHES = 20;

/**
 * Looks after what nobody else has in hand: payouts whose start was lost or whose run is gone, late checks, webhooks
 * and callbacks. Each is leased and committed before the engine is called, so that sweepers of many workers share the work
 * and one that dies loses nothing.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { pool, runs, logger } = deps;
  const stop = new AbortController();

  const lease = { limit: LIMIT, recheckMs: deps.recheckMs };

  /** The parts of a round, by the names under which their failures are counted; what only tidies up comes last. */
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    lost_probes: () => expireLostProbes(pool),
    payouts: () =>
      each(
        () => claimDuePayouts(pool, lease),
        ({ payoutId, nudged }) => runs.ensure(payoutId, { nudge: nudged }),
      ),
    bulks: () =>
      each(
        () => claimDueBulks(pool, lease),
        ({ bulkId, nudged }) => (nudged ? runs.bulkChanged(bulkId) : runs.ensureBulk(bulkId)),
      ),
    callbacks: () =>
      each(
        () => deps.claimCallbacks(LIMIT),
        ({ payoutId, callbackId }) => runs.signalReported(payoutId, callbackId),
      ),
    webhooks: () =>
      each(
        () => deps.claimWebhooks(LIMIT),
        ({ eventId, endpointId }) => runs.startWebhook(eventId, endpointId),
      ),
    bulk_webhooks: () =>
      each(
        () => claimDueDrains(pool, LIMIT),
        ({ bulkId, endpointId }) => runs.startBulkWebhook(bulkId, endpointId),
      ),
    late_checks: () =>
      each(
        () => claimDueLateChecks(pool, lease),
        ({ credentialId, provider }) => runs.startLateSettlementCheck(credentialId, provider),
      ),
    abandoned_uploads: () =>
      each(
        () => claimAbandonedBulks(pool, LIMIT),
        (bulkId) => refuseBulk(pool, bulkId, { reason: 'cut_off', contentHash: null }),
      ),
    old_reports: forgetOldReports,
  };

  /** A part that fails does not keep the others from their turn; the next round tries it again. */
  async function sweep(): Promise<void> {
    for (const [part, work] of Object.entries(parts)) {
      await work().catch((err: unknown) => {
        deps.onPartFailed?.(part);
        logger.error({ err, part }, 'a part of the sweep failed; the others went on, the next round tries it again');
      });
    }
  }

  async function forgetOldReports(): Promise<void> {
    for (let batch = 0; batch < FORGOTTEN_BATCHES && !stop.signal.aborted; batch += 1) {
      if (!(await forgetOldReport(pool))) return;
    }
  }

  /**
   * One that fails is due again when its lease ends; it does not keep the others from their turn. Told to stop, it takes
   * nothing more, and what it took and did not begin is due again when its lease ends too.
   */
  async function each<T>(claim: () => Promise<readonly T[]>, work: (item: T) => Promise<unknown>): Promise<void> {
    if (stop.signal.aborted) return;
    const queue = [...(await claim())];
    const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
      while (!stop.signal.aborted) {
        const item = queue.shift();
        if (item === undefined) return;
        await work(item).catch((err: unknown) => logger.warn({ err, item }, 'could not be swept; it stays due'));
      }
    });
    await Promise.all(workers);
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await sweep();
      await sleep(deps.everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    sweep,
    async close() {
      stop.abort();
      await running;
    },
  };
}
