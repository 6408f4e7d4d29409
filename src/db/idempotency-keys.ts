import type { Tenant } from '../domain/environment';
import type { Db } from './pool';

/** What an idempotency key names: unique per merchant, environment and operation, for ever. */
export interface IdempotencyKey extends Tenant {
  operation: 'payout' | 'retry';
  key: string;
}

/** What a key is bound to by its 202. */
export interface KeyBinding {
  payoutId: string;
  /** Keyed hash, in hex, of each top-level field of the normalised request. */
  fieldHashes: Readonly<Record<string, string>>;
  /** The first answer's body, sealed with purpose `first-answer`. */
  answerEnc: Buffer;
}

interface BindingRow {
  payout_id: string;
  field_hashes: Record<string, string>;
  answer_enc: Buffer;
}

export async function findKeyBinding(db: Db, key: IdempotencyKey): Promise<KeyBinding | null> {
  const { rows } = await db.query<BindingRow>(
    `select payout_id, field_hashes, answer_enc from idempotency_keys
     where merchant_id = $1 and environment = $2 and operation = $3 and key = $4`,
    [key.merchantId, key.environment, key.operation, key.key],
  );
  const row = rows[0];
  return row ? { payoutId: row.payout_id, fieldHashes: row.field_hashes, answerEnc: row.answer_enc } : null;
}

/** Binds a key in the transaction that does what it names. A key that is bound already is refused as a duplicate. */
export async function insertKeyBinding(trx: Db, key: IdempotencyKey, binding: KeyBinding): Promise<void> {
  await trx.query(
    `insert into idempotency_keys (merchant_id, environment, operation, key, payout_id, field_hashes, answer_enc)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [key.merchantId, key.environment, key.operation, key.key, binding.payoutId, binding.fieldHashes, binding.answerEnc],
  );
}
