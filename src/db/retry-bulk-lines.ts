import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import { lockBulk } from './bulk-rows';
import { lockDuplicateCheck } from './duplicate-check-lock';
import { refusalOf } from './errors';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { isRestoring } from './restores';
import { findSentAgain } from './sent-again';
import { withTransaction } from './transaction';

/** Lines that one statement takes back: each statement stays far below its time limit. */
const AT_ONCE = 5_000;

/** A failed line as it was when its earlier references were looked up. */
export interface FailedLine {
  payoutId: string;
  version: number;
}

interface RetryingBulk {
  bulk: Bulk;
  /** What the lines are held under from now on. */
  holdNo: number;
}

/**
 * Takes failed lines of a bulk that is being retried back, all in one transaction: those that did not change since they
 * were looked up, that were not sent again since, and of which no question is open and every submission is proven unpaid. Exactly their sum is held under
 * a new number. Where nothing is left to try, or the float is too small, the bulk goes back to its end and no line changes.
 * Does nothing where the bulk is paused, stopped or done by now.
 */
export async function retryBulkLines(
  pool: Pool,
  bulkId: string,
  looked: readonly FailedLine[],
  { duplicateDays }: { duplicateDays: number },
): Promise<void> {
  try {
    await withTransaction(pool, async (trx) => {
      const retrying = await lockRetrying(trx, bulkId);
      if (!retrying) return;
      const { bulk } = retrying;
      const ids = await lockRetryable(trx, bulk, looked, duplicateDays);
      await endRetrying(trx, bulkId);
      if (ids.length === 0) {
        await moveBulk(trx, bulk, { to: 'completed', actor: 'system', reason: 'nothing_to_retry' });
        return;
      }
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        await queueAgain(trx, retrying, ids.slice(from, from + AT_ONCE));
      }
      await trx.query('select open_bulk_hold($1)', [bulkId]);
      await moveBulk(trx, bulk, { to: 'running', actor: 'system', reason: 'held', detail: `${ids.length} again` });
    });
  } catch (error) {
    if (refusalOf(error) !== 'insufficient_float') throw error;
    await withTransaction(pool, (trx) => goBackForFloat(trx, bulkId, looked, duplicateDays));
  }
}

/** Null where it is not to be retried now. The caller's transaction locks it. */
async function lockRetrying(trx: Db, bulkId: string): Promise<RetryingBulk | null> {
  if (await isRestoring(trx)) throw new Error('the database was restored and is not reconciled yet');
  const bulk = await lockBulk(trx, bulkId);
  if (bulk.state !== 'running') return null;
  const { rows } = await trx.query<{ hold_no: number }>('select hold_no from bulks where id = $1 and retrying', [
    bulkId,
  ]);
  return rows[0] ? { bulk, holdNo: rows[0].hold_no } : null;
}

async function endRetrying(trx: Db, bulkId: string): Promise<void> {
  await trx.query('update bulks set retrying = false where id = $1', [bulkId]);
}

/** Locked first and looked at by a statement of its own: a question that was opened while the lock was waited for counts. */
async function lockRetryable(
  trx: Db,
  bulk: Bulk,
  looked: readonly FailedLine[],
  duplicateDays: number,
): Promise<readonly string[]> {
  await lockDuplicateCheck(trx, bulk);
  const { rows: locked } = await trx.query<{ id: string }>(
    `select payout.id from payouts payout
       join unnest($2::text[], $3::int[]) as looked (id, version) on looked.id = payout.id
     where payout.bulk_id = $1 and payout.state = 'failed' and payout.version = looked.version
     order by payout.id for no key update of payout`,
    [bulk.id, looked.map(({ payoutId }) => payoutId), looked.map(({ version }) => version)],
  );
  const { rows } = await trx.query<{ id: string }>(
    `select id from unnest($1::text[]) as line (id)
     where not exists (select from review_items where payout_id = line.id and closed_at is null)
       and not has_unproven_submission(line.id)`,
    [locked.map(({ id }) => id)],
  );
  const payoutIds = rows.map(({ id }) => id);
  const again = await findSentAgain(trx, { payoutIds, days: duplicateDays });
  return payoutIds.filter((id) => !again.has(id));
}

async function queueAgain(trx: Db, { bulk, holdNo }: RetryingBulk, ids: readonly string[]): Promise<void> {
  await trx.query(
    `with back as (
       update payouts set owner = 'bulk/' || bulk_id, state = 'queued', reason = 'retried_by_merchant',
         version = version + 1, attempt = attempt + 1, hold_no = $2, settle_by = null, provider_reference = null,
         retry_at = null, deferrals = 0, take_ups = 0, nudged = false, updated_at = clock_timestamp(), finished_at = null, sweep_after = 'infinity'
       where id = any ($3) and bulk_id = $1
       returning id, version, state, reason
     )
     insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
     select id, version, 'failed', state, 'system', reason from back`,
    [bulk.id, holdNo, ids],
  );
}

async function goBackForFloat(
  trx: Db,
  bulkId: string,
  looked: readonly FailedLine[],
  duplicateDays: number,
): Promise<void> {
  const retrying = await lockRetrying(trx, bulkId);
  if (!retrying) return;
  const { bulk } = retrying;
  const ids = await lockRetryable(trx, bulk, looked, duplicateDays);
  const { rows } = await trx.query<{ missing: bigint }>(
    `select ((select coalesce(sum(amount), 0) from payouts where id = any ($4))
       - (select coalesce(sum(balance), 0) from ledger_accounts
          where merchant_id = $1 and environment = $2 and currency = $3 and kind = 'available'))::bigint as missing`,
    [bulk.merchantId, bulk.environment, bulk.currency, ids],
  );
  const missing = rows[0]?.missing ?? 0n;
  // Topped up since then: it is tried again.
  if (missing <= 0n) return;
  await endRetrying(trx, bulkId);
  const detail = `missing ${missing} ${bulk.currency ?? ''}`;
  await moveBulk(trx, bulk, { to: 'completed', actor: 'system', reason: 'insufficient_float', detail });
}
