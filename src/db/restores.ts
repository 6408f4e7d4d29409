import type { Pool } from 'pg';

import { newId } from './ids';
import type { Db } from './pool';

/** A reconciliation after the database went back in time; while it is open nothing is sent, cancelled or decided. */
export interface Restore {
  id: string;
  /** Nothing older than this is missing. */
  since: Date;
  /** From then on nothing is sent. */
  startedAt: Date;
}

/** Before the newest thing that the database knows: clocks differ, and what was under way was not yet written. */
const MARGIN = '10 minutes';

/** Opens a restore, or returns the one that is open. `since` null: reckoned from the newest thing that is written. */
export async function beginRestore(pool: Pool, since: Date | null): Promise<Restore> {
  await pool.query(
    `insert into restores (id, since)
     values ($1, coalesce($2::timestamptz,
       least(clock_timestamp(), greatest((select max(at) from payout_events), (select max(at) from look_ups),
         (select max(created_at) from submissions))) - $3::interval,
       clock_timestamp() - interval '1 day'))
     on conflict ((released_at is null)) where released_at is null do nothing`,
    [newId('rst'), since, MARGIN],
  );
  const restore = await findOpenRestore(pool);
  if (!restore) throw new Error('the restore was released while it was being opened');
  return restore;
}

export async function findOpenRestore(db: Db): Promise<Restore | null> {
  const { rows } = await db.query<Restore>(
    'select id, since, started_at as "startedAt" from restores where released_at is null',
  );
  return rows[0] ?? null;
}

export async function isRestoring(db: Db): Promise<boolean> {
  return (await findOpenRestore(db)) !== null;
}

/** Lets sending go on, and has every open payout's run read it again. */
export async function releaseRestore(trx: Db, id: string, report: Readonly<Record<string, number>>): Promise<void> {
  await trx.query(
    'update restores set released_at = clock_timestamp(), report = $2 where id = $1 and released_at is null',
    [id, report],
  );
  await trx.query(
    `update payouts set nudged = true,
       sweep_after = case when owner = 'payout/' || id then clock_timestamp() else sweep_after end,
       retry_at = case when state = 'queued' and reason = 'after_restore' then clock_timestamp() else retry_at end
     where state not in ('accepted', 'succeeded', 'failed', 'cancelled', 'returned')`,
  );
}
