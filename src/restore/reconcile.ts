import { findOpenRestore, releaseRestore } from '../db/restores';
import { withTransaction } from '../db/transaction';
import { reconcileBulks } from './reconcile-bulks';
import { reconcilePayouts } from './reconcile-payouts';
import { reconcileProviders } from './reconcile-provider';
import type { RestoreDeps } from './restore-deps';

/** One at a time, over all workers. */
const LOCK = 4_815_162_342n;

/**
 * Reconciles the open restore, where there is one, and lets sending go on. May be repeated: what was found stays found.
 * Throws where a provider or the engine cannot be asked; then nothing is released. Returns what it did, or null.
 */
export async function reconcile(deps: RestoreDeps): Promise<Readonly<Record<string, number>> | null> {
  const { pool, logger } = deps;
  const session = await pool.connect();
  try {
    const { rows } = await session.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LOCK]);
    if (!rows[0]?.locked) return null;
    try {
      const restore = await findOpenRestore(pool);
      if (!restore) return null;
      logger.warn({ restore: restore.id, since: restore.since }, 'the database went back in time: reconciling');
      const { strangers: unknownRows, ...providers } = await reconcileProviders(deps, restore);
      const bulks = await reconcileBulks(deps, restore);
      const { strangers: unknownRuns, ...payouts } = await reconcilePayouts(deps, restore);
      const report = { ...providers, ...bulks, ...payouts, strangers: unknownRows + unknownRuns };
      await withTransaction(pool, (trx) => releaseRestore(trx, restore.id, report));
      logger.warn({ restore: restore.id, ...report }, 'the database is reconciled: sending goes on');
      return report;
    } finally {
      await session.query('select pg_advisory_unlock($1)', [LOCK]);
    }
  } finally {
    session.release();
  }
}
