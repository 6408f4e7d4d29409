import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import { askApproval, expireApproval, findThresholdsPassed, lockSent } from './bulk-approvals';
import { lockBulk } from './bulk-rows';
import { refusalOf } from './errors';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/**
 * Starts a bulk that was accepted, or says what it waits for: another person, its time, or float. One whose approval did not
 * come in time is rejected. Does nothing where the bulk is elsewhere by now. `approvalForMs`: how long an approval may take.
 */
export async function startBulk(
  pool: Pool,
  bulkId: string,
  { approvalForMs }: { approvalForMs: number },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const bulk = await lockBulk(trx, bulkId);
    switch (bulk.state) {
      case 'ready': {
        // Asked when it was accepted; the thresholds, or what its sender sent, may have changed since.
        await lockSent(trx, bulk);
        const passed = await findThresholdsPassed(trx, { ...bulk, lines: bulk.lineCount }, { withReady: false });
        const expiresAt = new Date(Date.now() + approvalForMs);
        await (passed ? askApproval(trx, bulk, { passed, expiresAt }) : goOn(trx, bulk));
        return;
      }
      case 'awaiting_approval':
        await expireApproval(trx, bulk);
        return;
      case 'scheduled':
      case 'awaiting_float':
        await goOn(trx, bulk);
        return;
      default:
        return;
    }
  });
}

/**
 * A bulk that nobody needs to approve any more: holds its whole amount in one entry, or says what is missing and waits. One
 * for later waits for its time and holds nothing.
 */
export async function goOn(trx: Db, bulk: Bulk): Promise<Bulk> {
  if (!(await hasCome(trx, bulk.id))) {
    if (bulk.state === 'scheduled') return bulk;
    return await moveBulk(trx, bulk, { to: 'scheduled', actor: 'system', reason: 'scheduled_by_api' });
  }
  await trx.query('savepoint before_start');
  try {
    const started = await moveBulk(trx, bulk, { to: 'running', actor: 'system', reason: 'held' });
    await trx.query('select begin_bulk_hold($1)', [bulk.id]);
    return started;
  } catch (error) {
    if (refusalOf(error) !== 'insufficient_float') throw error;
    await trx.query('rollback to savepoint before_start');
    return bulk.state === 'awaiting_float' ? bulk : await awaitFloat(trx, bulk);
  }
}

async function awaitFloat(trx: Db, bulk: Bulk): Promise<Bulk> {
  const { rows } = await trx.query<{ available: bigint }>(
    `select coalesce(sum(balance), 0)::bigint as available from ledger_accounts
     where merchant_id = $1 and environment = $2 and currency = $3 and kind = 'available'`,
    [bulk.merchantId, bulk.environment, bulk.currency],
  );
  const missing = bulk.total - (rows[0]?.available ?? 0n);
  const detail = `missing ${missing} ${bulk.currency ?? ''}`;
  return await moveBulk(trx, bulk, { to: 'awaiting_float', actor: 'system', reason: 'insufficient_float', detail });
}

async function hasCome(trx: Db, bulkId: string): Promise<boolean> {
  const { rows } = await trx.query<{ come: boolean }>(
    'select coalesce(scheduled_at <= clock_timestamp(), true) as come from bulks where id = $1',
    [bulkId],
  );
  return rows[0]?.come ?? false;
}
