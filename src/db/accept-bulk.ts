import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import { bulkOwner } from '../domain/bulk';
import type { BulkApproval } from '../domain/bulk-approval';
import type { ProviderId } from '../domain/methods';
import type { Actor } from '../domain/principal';
import { askApproval, findThresholdsPassed } from './bulk-approvals';
import { lockBulk } from './bulk-rows';
import { findEarlierPayments } from './check-bulk-lines';
import { lockDuplicateCheck } from './duplicate-check-lock';
import { constraintOf, refusalOf } from './errors';
import { insertKeyBinding } from './idempotency-keys';
import type { IdempotencyKey, KeyBinding } from './idempotency-keys';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { withTransaction } from './transaction';
import { findUsedReferences } from './used-references';

/** PostgreSQL's own name for it. */
const UNIQUE_REFERENCE = 'payouts_merchant_id_environment_unique_reference_key';

/** Lines that one statement takes: far from the time limit of a statement on a slow machine too. */
const LINES_AT_ONCE = 10_000;

export interface BulkAcceptance {
  bulkId: string;
  contentHash: Buffer;
  /** Lines that may pay again what a bulk of the last `days` pays; whether each reference must be used by no other payout. */
  repeats: { allowed: readonly number[]; days: number; uniqueReferences: boolean };
  /** What was checked: a bulk of which something was lost since is not accepted. */
  lines: number;
  total: bigint;
  currency: string;
  skipped: number;
  /** Null: it needs none. */
  approval: Pick<BulkApproval, 'passed' | 'expiresAt'> | null;
  /** The credential that carries each method, and whose it is. */
  routes: readonly { method: string; provider: ProviderId; credentialId: string }[];
  actor: Actor;
  key: IdempotencyKey;
  binding: Pick<KeyBinding, 'fieldHashes' | 'answerEnc'>;
}

/** Its lines are no longer as they were checked, as after a crash of the database: nothing of it was taken. */
export class LostLinesError extends Error {
  override readonly name = 'LostLinesError';
}

/** What the sender sent since this one was checked decides otherwise about its approval. */
export class ApprovalChangedError extends Error {
  override readonly name = 'ApprovalChangedError';
}

/** Another payout of the merchant, accepted since this bulk was checked, pays the same to the same or has its reference. */
export class RepeatedPaymentsError extends Error {
  override readonly name = 'RepeatedPaymentsError';
}

/**
 * Accepts a bulk that was checked whole, in one transaction: its lines become payouts of state `accepted`, which hold
 * nothing yet, its roll-up begins, and its idempotency key is bound. Null where the key was bound by somebody who
 * committed first. Throws `LostLinesError`, `RepeatedPaymentsError`, `ApprovalChangedError`, or `CommitUnknownError` where it cannot be told whether
 * it stands.
 */
export async function acceptBulk(pool: Pool, acceptance: BulkAcceptance): Promise<Bulk | null> {
  try {
    return await withTransaction(pool, async (trx) => {
      const bulk = await lockBulk(trx, acceptance.bulkId);
      await insertKeyBinding(trx, acceptance.key, { ...acceptance.binding, objectId: bulk.id });
      await assertStillFirst(trx, bulk, acceptance);
      await assertSameApproval(trx, bulk, acceptance);
      const taken = await insertLines(trx, bulk, acceptance);
      if (taken.lines !== acceptance.lines || taken.total !== acceptance.total) {
        throw new LostLinesError(`bulk ${bulk.id}: ${taken.lines} of ${acceptance.lines} lines are left`);
      }
      await trx.query(`insert into bulk_counts values ($1, 'accepted', $2, $3)`, [
        bulk.id,
        taken.lines,
        taken.total.toString(),
      ]);
      await trx.query('delete from bulk_staging where bulk_id = $1', [bulk.id]);
      await trx.query(
        `update bulks set content_hash = $2, line_count = $3, total = $4, currency = $5, skipped_count = $6,
           sweep_after = clock_timestamp() + interval '10 seconds' where id = $1`,
        [bulk.id, acceptance.contentHash, taken.lines, taken.total.toString(), acceptance.currency, acceptance.skipped],
      );
      const { actor, approval } = acceptance;
      const accepted = await moveBulk(trx, bulk, { to: 'ready', actor, reason: 'accepted_by_api' });
      return approval ? await askApproval(trx, accepted, approval) : accepted;
    });
  } catch (error) {
    if (refusalOf(error) !== 'duplicate') throw error;
    if (constraintOf(error) !== UNIQUE_REFERENCE) return null;
    throw new RepeatedPaymentsError(`bulk ${acceptance.bulkId}: a unique reference is taken`);
  }
}

async function assertStillFirst(trx: Db, bulk: Bulk, { repeats }: BulkAcceptance): Promise<void> {
  await lockDuplicateCheck(trx, bulk);
  const [found] = await findEarlierPayments(trx, bulk, { ...repeats, bulkId: bulk.id, after: 0 });
  const [used] = repeats.uniqueReferences
    ? await findUsedReferences(trx, bulk, { bulkId: bulk.id, days: repeats.days, unique: true, after: 0 })
    : [];
  const repeated = found ?? used;
  if (repeated) throw new RepeatedPaymentsError(`bulk ${bulk.id}, line ${repeated.line}: ${repeated.message}`);
}

/** Under the same lock: of two bulks sent at once that pass a threshold together, one needs no approval. */
async function assertSameApproval(trx: Db, bulk: Bulk, acceptance: BulkAcceptance): Promise<void> {
  const { lines, total, currency, approval } = acceptance;
  const passed = await findThresholdsPassed(trx, { ...bulk, lines, total, currency }, { withReady: true });
  if ((passed === null) !== (approval === null)) throw new ApprovalChangedError(`bulk ${bulk.id}`);
}

interface Portion {
  lines: number;
  total: bigint;
  /** The last line of them; null where there was none. */
  last: number | null;
}

async function insertLines(trx: Db, bulk: Bulk, acceptance: BulkAcceptance): Promise<{ lines: number; total: bigint }> {
  const taken = { lines: 0, total: 0n };
  for (let last: number | null = 0; last !== null;) {
    const portion: Portion = await insertPortion(trx, bulk, acceptance, last);
    taken.lines += portion.lines;
    taken.total += portion.total;
    last = portion.last;
  }
  return taken;
}

/** The next lines after `after`. */
async function insertPortion(
  trx: Db,
  bulk: Bulk,
  { routes, actor, repeats }: BulkAcceptance,
  after: number,
): Promise<Portion> {
  const { rows } = await trx.query<Portion>(
    `with coming as (
       select * from bulk_staging where bulk_id = $1 and line > $8 order by line limit $9
     ), taken as (
       insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider,
         credential_id, recipient_msisdn, description, customer_enc, reference, unique_reference, metadata, reason,
         sweep_after, created_by, bulk_id, bulk_line)
       select payout_id, $2, $3, $4, 'accepted', amount, currency, coming.method, route.provider, route.credential_id,
         recipient_msisdn, coalesce(coming.description, $7, 'Line ' || line || ' of ' || $1), customer_enc, reference,
         case when $10 then normalize(reference, NFC) end, metadata, 'accepted_in_bulk', 'infinity', $5, bulk_id, line
       from coming join jsonb_to_recordset($6::jsonb) as route (method text, provider text, credential_id text)
         on route.method = coming.method
       returning id, version, state, reason, amount, bulk_line
     ), events as (
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, null, state, $5, reason from taken
     )
     select count(*)::integer as lines, coalesce(sum(amount), 0)::bigint as total, max(bulk_line) as last from taken`,
    [
      bulk.id,
      bulk.merchantId,
      bulk.environment,
      bulkOwner(bulk.id),
      actor,
      JSON.stringify(
        routes.map(({ method, provider, credentialId }) => ({ method, provider, credential_id: credentialId })),
      ),
      bulk.description,
      after,
      LINES_AT_ONCE,
      repeats.uniqueReferences,
    ],
  );
  if (!rows[0]) throw new Error('an aggregate gave no row');
  return rows[0];
}
