import type { Tenant } from '../domain/environment';
import type { Db } from './pool';

/** What an idempotency key names: unique per merchant, environment and operation, for ever. */
export interface IdempotencyKey extends Tenant {
  operation: 'payout' | 'retry' | 'bulk';
  key: string;
}

/** What a key is bound to by its 202. */
export interface KeyBinding {
  /** The payout or bulk that it made. */
  objectId: string;
  /** Keyed hash, in hex, of each top-level field of the normalised request. */
  fieldHashes: Readonly<Record<string, string>>;
  /** The first answer's body, sealed with purpose `first-answer`. */
  answerEnc: Buffer;
}

interface BindingRow {
  object_id: string;
  field_hashes: Record<string, string>;
  answer_enc: Buffer;
}

export async function findKeyBinding(db: Db, key: IdempotencyKey): Promise<KeyBinding | null> {
  const { rows } = await db.query<BindingRow>(
    `select coalesce(payout_id, bulk_id) as object_id, field_hashes, answer_enc from idempotency_keys
     where merchant_id = $1 and environment = $2 and operation = $3 and key = $4`,
    [key.merchantId, key.environment, key.operation, key.key],
  );
  const row = rows[0];
  return row ? { objectId: row.object_id, fieldHashes: row.field_hashes, answerEnc: row.answer_enc } : null;
}

/** Binds a key in the transaction that does what it names. A key that is bound already is refused as a duplicate. */
export async function insertKeyBinding(trx: Db, key: IdempotencyKey, binding: KeyBinding): Promise<void> {
  await trx.query(
    `insert into idempotency_keys (merchant_id, environment, operation, key, payout_id, bulk_id, field_hashes, answer_enc)
     values ($1, $2, $3, $4, case when $3 <> 'bulk' then $5 end, case when $3 = 'bulk' then $5 end, $6, $7)`,
    [key.merchantId, key.environment, key.operation, key.key, binding.objectId, binding.fieldHashes, binding.answerEnc],
  );
}
