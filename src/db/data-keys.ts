import type { Db } from './pool';

/** A merchant's data key as it is stored: encrypted under a master key. */
export interface WrappedDataKey {
  id: string;
  merchantId: string;
  masterKeyId: string;
  wrapped: Buffer;
}

interface DataKeyRow {
  id: string;
  merchant_id: string;
  master_key_id: string;
  wrapped: Buffer;
}

function rowToDataKey(row: DataKeyRow): WrappedDataKey {
  return { id: row.id, merchantId: row.merchant_id, masterKeyId: row.master_key_id, wrapped: row.wrapped };
}

export async function findDataKey(db: Db, id: string): Promise<WrappedDataKey | null> {
  const { rows } = await db.query<DataKeyRow>('select * from data_keys where id = $1', [id]);
  return rows[0] ? rowToDataKey(rows[0]) : null;
}

/** The key that seals what is new. */
export async function findCurrentDataKey(db: Db, merchantId: string): Promise<WrappedDataKey | null> {
  const { rows } = await db.query<DataKeyRow>('select * from data_keys where merchant_id = $1 and retired_at is null', [
    merchantId,
  ]);
  return rows[0] ? rowToDataKey(rows[0]) : null;
}

/** The key that the merchant began with, retired or not. */
export async function findFirstDataKey(db: Db, merchantId: string): Promise<WrappedDataKey | null> {
  const { rows } = await db.query<DataKeyRow>(
    'select * from data_keys where merchant_id = $1 order by created_at, id limit 1',
    [merchantId],
  );
  return rows[0] ? rowToDataKey(rows[0]) : null;
}

/** Adds a current key unless the merchant has one: of several callers at once, one key stands. */
export async function insertDataKey(db: Db, key: WrappedDataKey): Promise<void> {
  await db.query(
    `insert into data_keys (id, merchant_id, master_key_id, wrapped, created_at) values ($1, $2, $3, $4, clock_timestamp())
     on conflict (merchant_id) where retired_at is null do nothing`,
    [key.id, key.merchantId, key.masterKeyId, key.wrapped],
  );
}

/** False where the key was retired by somebody else. */
export async function retireDataKey(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update data_keys set retired_at = clock_timestamp() where id = $1 and retired_at is null',
    [id],
  );
  return rowCount === 1;
}

/** Keys that are wrapped by another master key than the named one. */
export async function listDataKeysNotUnder(
  db: Db,
  masterKeyId: string,
  limit: number,
): Promise<readonly WrappedDataKey[]> {
  const { rows } = await db.query<DataKeyRow>(
    'select * from data_keys where master_key_id <> $1 order by id limit $2',
    [masterKeyId, limit],
  );
  return rows.map(rowToDataKey);
}

/** Stores a data key under its new wrapping. Wrapping twice is harmless: each opens to the same key. */
export async function updateWrapping(db: Db, key: WrappedDataKey): Promise<void> {
  await db.query('update data_keys set master_key_id = $2, wrapped = $3 where id = $1', [
    key.id,
    key.masterKeyId,
    key.wrapped,
  ]);
}
