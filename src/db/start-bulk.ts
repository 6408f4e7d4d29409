import type { Pool } from 'pg';

import { lockBulk } from './bulk-rows';
import { refusalOf } from './errors';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/**
 * Starts a bulk that was accepted: holds its whole amount in one entry, or says what is missing and waits. One for later
 * waits for its time and holds nothing. Does nothing where the bulk is elsewhere by now.
 */
export async function startBulk(pool: Pool, bulkId: string): Promise<void> {
  try {
    await withTransaction(pool, async (trx) => {
      const bulk = await lockBulk(trx, bulkId);
      if (bulk.state !== 'ready' && bulk.state !== 'scheduled' && bulk.state !== 'awaiting_float') return;
      if (!(await hasCome(trx, bulkId))) {
        if (bulk.state === 'ready') {
          await moveBulk(trx, bulk, { to: 'scheduled', actor: 'system', reason: 'scheduled_by_api' });
        }
        return;
      }
      await moveBulk(trx, bulk, { to: 'running', actor: 'system', reason: 'held' });
      await trx.query('select open_bulk_hold($1)', [bulkId]);
    });
  } catch (error) {
    if (refusalOf(error) !== 'insufficient_float') throw error;
    await awaitFloat(pool, bulkId);
  }
}

async function awaitFloat(pool: Pool, bulkId: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const bulk = await lockBulk(trx, bulkId);
    if (bulk.state !== 'ready' && bulk.state !== 'scheduled') return;
    const { rows } = await trx.query<{ available: bigint }>(
      `select coalesce(sum(balance), 0)::bigint as available from ledger_accounts
       where merchant_id = $1 and environment = $2 and currency = $3 and kind = 'available'`,
      [bulk.merchantId, bulk.environment, bulk.currency],
    );
    const missing = bulk.total - (rows[0]?.available ?? 0n);
    const detail = `missing ${missing} ${bulk.currency ?? ''}`;
    await moveBulk(trx, bulk, { to: 'awaiting_float', actor: 'system', reason: 'insufficient_float', detail });
  });
}

async function hasCome(trx: Db, bulkId: string): Promise<boolean> {
  const { rows } = await trx.query<{ come: boolean }>(
    'select coalesce(scheduled_at <= clock_timestamp(), true) as come from bulks where id = $1',
    [bulkId],
  );
  return rows[0]?.come ?? false;
}
