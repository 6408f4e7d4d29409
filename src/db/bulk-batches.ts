import type { BatchOutcome } from '../domain/batch';
import type { ProviderId } from '../domain/methods';
import type { LineIntents } from './line-intents';
import type { Db } from './pool';

export interface BulkBatch {
  id: string;
  outcome: BatchOutcome['outcome'] | null;
  /** The provider's name of it, by its own answer, or by a search that showed lines of ours under it. */
  batchReference: string | null;
  /** The name that its callback gave, until a search has shown that it is this batch's. */
  hintedReference: string | null;
  createdAt: Date;
}

/** Writes a batch before its call; its lines' submissions name it. */
export async function insertBatch(
  trx: Db,
  {
    batch,
    bulkId,
    account,
    credentialId,
    writer,
    sendByMs,
  }: LineIntents & { batch: { id: string; tokenHash: Buffer } },
  lines: number,
): Promise<void> {
  await trx.query(
    `insert into bulk_batches
       (id, bulk_id, provider, credential_id, account_number, callback_token_hash, lines, writer, send_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9 * interval '1 millisecond')`,
    [batch.id, bulkId, account.provider, credentialId, account.accountNumber, batch.tokenHash, lines, writer, sendByMs],
  );
}

/** Writes what the call told of the batch. */
export async function writeBatchOutcome(trx: Db, batchId: string, outcome: BatchOutcome): Promise<void> {
  await trx.query(
    `update bulk_batches set outcome = $2, reason = $3, provider_code = $4, provider_text = $5,
       batch_reference = coalesce(batch_reference, $6), outcome_at = clock_timestamp()
     where id = $1 and outcome is null`,
    [
      batchId,
      outcome.outcome,
      'reason' in outcome ? outcome.reason : null,
      outcome.code,
      outcome.text,
      'batchReference' in outcome ? outcome.batchReference : null,
    ],
  );
}

export async function listBatches(db: Db, batchIds: readonly string[]): Promise<readonly BulkBatch[]> {
  const { rows } = await db.query<BulkBatch>(
    `select id, outcome, batch_reference as "batchReference", hinted_reference as "hintedReference",
       created_at as "createdAt"
     from bulk_batches where id = any ($1) order by created_at`,
    [batchIds],
  );
  return rows;
}

/** A search under this name showed lines of the batch: it is the batch's. */
export async function confirmBatchReference(db: Db, batchId: string, batchReference: string): Promise<void> {
  await db.query('update bulk_batches set batch_reference = $2 where id = $1 and batch_reference is null', [
    batchId,
    batchReference,
  ]);
}

/** By the SHA-256 of the unguessable part of its callback address; null where it is none of ours. */
export async function findBatchCredential(
  db: Db,
  provider: ProviderId,
  tokenHash: Buffer,
): Promise<{
  batchId: string;
  credentialId: string;
  merchantId: string;
  callbackSecretsEnc: Buffer | null;
} | null> {
  const { rows } = await db.query<{
    id: string;
    credential_id: string;
    merchant_id: string;
    callback_secrets_enc: Buffer | null;
  }>(
    `select batch.id, batch.credential_id, credential.merchant_id, credential.callback_secrets_enc
     from bulk_batches batch join credentials credential on credential.id = batch.credential_id
     where batch.provider = $1 and batch.callback_token_hash = $2`,
    [provider, tokenHash],
  );
  const row = rows[0];
  return row
    ? {
        batchId: row.id,
        credentialId: row.credential_id,
        merchantId: row.merchant_id,
        callbackSecretsEnc: row.callback_secrets_enc,
      }
    : null;
}

/** The provider says that the batch has ended: its lines are to be looked for. A hint, nothing more. */
export async function noteBatchCallback(db: Db, batchId: string, batchReference: string | null): Promise<void> {
  await db.query(
    `update bulk_batches set called_back_at = clock_timestamp(), hinted_reference = coalesce($2, hinted_reference)
     where id = $1`,
    [batchId, batchReference],
  );
}
