import type { Db } from './pool';

/** The check value of each master key that this installation ever used, by the key's id. */
export async function listMasterKeyChecks(db: Db): Promise<ReadonlyMap<string, Buffer>> {
  const { rows } = await db.query<{ id: string; sealed: Buffer }>(
    'select master_key_id as id, sealed from master_key_checks',
  );
  return new Map(rows.map(({ id, sealed }) => [id, sealed]));
}

/** Stores the check value of a key that has none. Of several at once the first one stands. */
export async function insertMasterKeyCheck(db: Db, id: string, sealed: Buffer): Promise<void> {
  await db.query('insert into master_key_checks (master_key_id, sealed) values ($1, $2) on conflict do nothing', [
    id,
    sealed,
  ]);
}

/** A data key for each master key that still wraps one: one row per master key, however many merchants there are. */
export async function listWrappingMasterKeys(
  db: Db,
): Promise<readonly { masterKeyId: string; id: string; merchantId: string; wrapped: Buffer }[]> {
  const { rows } = await db.query<{ masterKeyId: string; id: string; merchantId: string; wrapped: Buffer }>(
    `select distinct on (master_key_id) master_key_id as "masterKeyId", id, merchant_id as "merchantId", wrapped
     from data_keys order by master_key_id, id`,
  );
  return rows;
}
