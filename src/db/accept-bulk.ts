import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import { bulkOwner } from '../domain/bulk';
import type { BulkApproval } from '../domain/bulk-approval';
import type { ProviderId } from '../domain/methods';
import type { Actor } from '../domain/principal';
import { askApproval } from './bulk-approvals';
import { lockBulk } from './bulk-rows';
import { refusalOf } from './errors';
import { insertKeyBinding } from './idempotency-keys';
import type { IdempotencyKey, KeyBinding } from './idempotency-keys';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { withTransaction } from './transaction';

export interface BulkAcceptance {
  bulkId: string;
  contentHash: Buffer;
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

/**
 * Accepts a bulk that was checked whole, in one transaction: its lines become payouts of state `accepted`, which hold
 * nothing yet, its roll-up begins, and its idempotency key is bound. Null where the key was bound by somebody who
 * committed first. Throws `LostLinesError`, or `CommitUnknownError` where it cannot be told whether it stands.
 */
export async function acceptBulk(pool: Pool, acceptance: BulkAcceptance): Promise<Bulk | null> {
  try {
    return await withTransaction(pool, async (trx) => {
      const bulk = await lockBulk(trx, acceptance.bulkId);
      await insertKeyBinding(trx, acceptance.key, { ...acceptance.binding, objectId: bulk.id });
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
    if (refusalOf(error) === 'duplicate') return null;
    throw error;
  }
}

async function insertLines(
  trx: Db,
  bulk: Bulk,
  { routes, actor }: BulkAcceptance,
): Promise<{ lines: number; total: bigint }> {
  const { rows } = await trx.query<{ lines: number; total: bigint }>(
    `with taken as (
       insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider,
         credential_id, recipient_msisdn, description, customer_enc, reference, metadata, reason, sweep_after,
         created_by, bulk_id, bulk_line)
       select payout_id, $2, $3, $4, 'accepted', amount, currency, staged.method, route.provider, route.credential_id,
         recipient_msisdn, coalesce(staged.description, $7, 'Line ' || line || ' of ' || $1), customer_enc, reference,
         metadata, 'accepted_in_bulk', 'infinity', $5,
         staged.bulk_id, line
       from bulk_staging staged
         join jsonb_to_recordset($6::jsonb) as route (method text, provider text, credential_id text)
           on route.method = staged.method
       where staged.bulk_id = $1
       returning id, version, state, reason, amount
     ), events as (
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, null, state, $5, reason from taken
     )
     select count(*)::integer as lines, coalesce(sum(amount), 0)::bigint as total from taken`,
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
    ],
  );
  if (!rows[0]) throw new Error('an aggregate gave no row');
  return rows[0];
}
