import { lockPayout } from '../db/payout-rows';
import { movePayout } from '../db/move-payout';
import { putInReview } from '../db/put-in-review';
import { recoverSubmission } from '../db/recover-submission';
import type { Restore } from '../db/restores';
import { listSubmissions } from '../db/submissions';
import { withTransaction } from '../db/transaction';
import type { BulkState } from '../domain/bulk-state';
import { isOpenCall } from '../domain/submission';
import type { CarriedSeen, RestoreDeps } from './restore-deps';

export interface BulkCounts {
  bulks: number;
  /** Lines of which a call may have been made that the database lost. */
  linesSeen: number;
  /** Lines that may have been sent, for all that anybody can tell. */
  lineReviews: number;
}

/**
 * Holds the lines that bulks carry themselves against the engine's histories of the bulks: a line of a chunk that was carried
 * in the lost time, and that waits to be sent as this database has it, may have been sent. Each is unknown from here on; its
 * bulk looks for them together, once sending goes on.
 */
export async function reconcileBulks(deps: RestoreDeps, restore: Restore): Promise<BulkCounts> {
  const { pool, engine } = deps;
  const counts: BulkCounts = { bulks: 0, linesSeen: 0, lineReviews: 0 };
  const started: string[] = [];
  for await (const bulkId of engine.bulksStartedSince(restore.since)) started.push(bulkId);
  const { rows: bulks } = await pool.query<{ id: string; state: BulkState; due: boolean }>(
    `select id, state, scheduled_at is null or scheduled_at <= clock_timestamp() as due from bulks
     where state not in ('receiving', 'invalid', 'completed', 'rejected', 'cancelled') or id = any ($1) order by id`,
    [started],
  );
  for (const { id, state, due } of bulks) {
    counts.bulks += 1;
    const seen = await engine.carriedWithin(id, { since: restore.since, until: restore.startedAt });
    if (seen === null) {
      if (due && state !== 'awaiting_approval') counts.lineReviews += await reviewWaiting(deps, id);
      continue;
    }
    for (const chunk of seen.chunks) counts.linesSeen += await recoverChunk(deps, id, chunk, seen);
  }
  return counts;
}

/** Waiting lines, and, where failed ones may have been taken back, those: their next attempt may have been made. */
async function recoverChunk(
  { pool, settings, access }: RestoreDeps,
  bulkId: string,
  { from, to, runId }: CarriedSeen['chunks'][number],
  { hasRetried }: CarriedSeen,
): Promise<number> {
  const states = ['accepted', 'queued', ...(hasRetried ? ['failed'] : [])];
  let recovered = 0;
  for (const id of await linesOf(pool, { bulkId, from, to, states })) {
    recovered += await withTransaction(pool, async (trx) => {
      const payout = await lockPayout(trx, id);
      if (!states.includes(payout.state)) return 0;
      const isFailed = payout.state === 'failed';
      // One attempt that is not proven unpaid keeps it from being tried again.
      if (isFailed && (await listSubmissions(trx, id)).some(isOpenCall)) return 0;
      const attempt = payout.attempt + (isFailed ? 1 : 0);
      const provider = access.provider(payout);
      const settlementWindowMs = settings.settlementWindowMs ?? provider.settlementWindowMs;
      const call = { attempt, call: 1, evidence: `engine:${runId}` };
      await recoverSubmission(trx, payout, call, { settlementWindowMs, watchMs: settings.watchMs });
      return 1;
    });
  }
  return recovered;
}

/** The engine knows no run of their bulk: whether they were sent nobody can tell. */
async function reviewWaiting({ pool }: RestoreDeps, bulkId: string): Promise<number> {
  const states = ['accepted', 'queued'];
  const ids = await linesOf(pool, { bulkId, from: 1, to: null, states });
  for (const id of ids) {
    await withTransaction(pool, async (trx) => {
      const payout = await lockPayout(trx, id);
      if (!states.includes(payout.state)) return;
      const queued =
        payout.state === 'accepted'
          ? await movePayout(trx, payout, { to: 'queued', actor: 'system', reason: 'after_restore' })
          : payout;
      await putInReview(trx, queued, {
        kind: 'after_restore',
        detail:
          'the engine knows no run of its bulk: whether it was sent in the time that the database lost cannot be told',
        reason: 'review_opened',
      });
    });
  }
  return ids.length;
}

async function linesOf(
  pool: RestoreDeps['pool'],
  range: { bulkId: string; from: number; to: number | null; states: readonly string[] },
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from payouts
     where bulk_id = $1 and bulk_line between $2 and coalesce($3, bulk_line) and state = any ($4)
       and (owner = 'bulk/' || bulk_id or state = 'failed') order by bulk_line`,
    [range.bulkId, range.from, range.to, range.states],
  );
  return rows.map(({ id }) => id);
}
