import { createLookUpRound } from '../activities/look-up-round';
import { newId } from '../db/ids';
import { movePayout } from '../db/move-payout';
import { lockPayout } from '../db/payout-rows';
import { putInReview } from '../db/put-in-review';
import { recoverSubmission } from '../db/recover-submission';
import type { Restore } from '../db/restores';
import { insertStranger } from '../db/strangers';
import { insertVoid, listSubmissions } from '../db/submissions';
import { withTransaction } from '../db/transaction';
import { isOpenCall } from '../domain/submission';
import type { EngineEvidence, RestoreDeps } from './restore-deps';

export interface PayoutCounts {
  /** Payouts that were held against the engine: all open ones, and those that it carried in the lost time. */
  payouts: number;
  /** Payouts of which the engine saw a call that the database had lost. */
  callsSeen: number;
  /** Open payouts that may have been sent, for all that anybody can tell. */
  reviews: number;
  lookedUp: number;
  /** Payouts that the engine carried and the database had lost. */
  strangers: number;
}

/**
 * Holds every open payout against the engine's histories, then looks up all that may have been sent. A provider's search
 * alone could not tell: what it does not show may still have been paid.
 */
export async function reconcilePayouts(deps: RestoreDeps, restore: Restore): Promise<PayoutCounts> {
  const { pool, engine } = deps;
  const counts: PayoutCounts = { payouts: 0, callsSeen: 0, reviews: 0, lookedUp: 0, strangers: 0 };
  const carried = new Set<string>();
  for await (const payoutId of engine.payoutsStartedSince(restore.since)) {
    const { rowCount } = await pool.query('select 1 from payouts where id = $1', [payoutId]);
    if (rowCount === 1) {
      carried.add(payoutId);
      continue;
    }
    const isNew = await withTransaction(pool, (trx) =>
      insertStranger(trx, restore.id, { foundBy: 'engine', payoutId }),
    );
    if (isNew) counts.strangers += 1;
  }
  const lookUp = createLookUpRound(deps);
  for (const { id, isDue } of await openPayouts(deps, carried)) {
    counts.payouts += 1;
    const found = await holdAgainstEngine(deps, id, isDue);
    if (found !== null) counts[found] += 1;
    if (!(await listSubmissions(pool, id)).some(isOpenCall)) continue;
    await lookUp(id, 'open');
    counts.lookedUp += 1;
  }
  return counts;
}

/**
 * Also final ones that were carried in the lost time: a failed one may have been retried. Lines that their bulk carries are
 * only those that had runs of their own.
 */
async function openPayouts(
  { pool }: RestoreDeps,
  carried: ReadonlySet<string>,
): Promise<readonly { id: string; isDue: boolean }[]> {
  const { rows } = await pool.query<{ id: string; due: boolean }>(
    `select id, state <> 'scheduled' or scheduled_at <= clock_timestamp() as due from payouts
     where (state not in ('succeeded', 'failed', 'cancelled', 'returned') and owner = 'payout/' || id) or id = any ($1)
     order by id`,
    [[...carried]],
  );
  return rows.map(({ id, due }) => ({ id, isDue: due }));
}

async function holdAgainstEngine(
  { pool, engine, settings, access }: RestoreDeps,
  payoutId: string,
  isDue: boolean,
): Promise<'callsSeen' | 'reviews' | null> {
  const seen = await engine.submitsOf(payoutId);
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (seen === null) {
      if (!isDue || payout.state !== 'queued') return null;
      await putInReview(trx, payout, {
        kind: 'after_restore',
        detail: 'the engine knows no run of it: whether it was sent in the time that the database lost cannot be told',
        reason: 'review_opened',
      });
      return 'reviews';
    }
    const known = new Set((await listSubmissions(trx, payoutId)).map(({ attempt }) => attempt));
    const settlementWindowMs = settings.settlementWindowMs ?? access.provider(payout).settlementWindowMs;
    let now = payout;
    const lost = mayHaveMovedMoney(seen).filter(({ attempt }) => !known.has(attempt));
    for (const { attempt, runId } of lost) {
      const call = { attempt, call: 1, evidence: `engine:${runId}` };
      now = await recoverSubmission(trx, now, call, { settlementWindowMs, watchMs: settings.watchMs });
    }
    // The numbers of attempts that were made and proven unpaid are not used again: their rows stand at the provider.
    const last = Math.max(0, ...seen.map(({ attempt }) => attempt));
    if (now.state === 'queued' && last >= now.attempt && lost.length === 0) {
      await insertVoid(trx, { id: newId('sub'), payoutId });
      await movePayout(trx, now, { to: 'queued', actor: 'system', reason: 'after_restore', attempt: last + 1 });
    }
    return lost.length > 0 ? 'callsSeen' : null;
  });
}

type Seen = NonNullable<Awaited<ReturnType<EngineEvidence['submitsOf']>>>;

/** One attempt may be made by more than one run: it is proven unpaid only where all of them say so. */
function mayHaveMovedMoney(seen: Seen): Seen {
  return seen.filter(
    ({ attempt, isProvenUnpaid }, index) =>
      !isProvenUnpaid && seen.findIndex((other) => other.attempt === attempt && !other.isProvenUnpaid) === index,
  );
}
