import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import type { Actor } from '../domain/principal';
import { refusalOf } from './errors';
import { insertKeyBinding } from './idempotency-keys';
import type { IdempotencyKey, KeyBinding } from './idempotency-keys';
import type { Db } from './pool';
import { withTransaction } from './transaction';

export interface NewPayout {
  /** As it shall stand: version 1, attempt 1, hold 1, `queued` or `scheduled`. */
  payout: Payout;
  /** Sealed JSON of the customer, purpose `customer`. */
  customerEnc: Buffer;
  /** True where the merchant wants the reference to be used once. */
  uniqueReference: boolean;
  actor: Actor;
  key: IdempotencyKey;
  binding: Omit<KeyBinding, 'payoutId'>;
}

/** `duplicate`: the key is bound, or the unique reference used, by somebody who committed first: read who. */
export type AcceptResult = 'accepted' | 'duplicate' | 'insufficient_float';

/** Milliseconds after which the sweeper makes sure that an accepted payout has a run. */
const START_GRACE_MS = 10_000;

/**
 * Accepts a payout in one transaction: its row, its first event, the idempotency key and the hold. A refusal leaves no
 * trace. Throws `CommitUnknownError` where it cannot be told whether it stands.
 */
export async function acceptPayout(pool: Pool, accepted: NewPayout): Promise<AcceptResult> {
  try {
    await withTransaction(pool, async (trx) => {
      await insertPayout(trx, accepted);
      await insertKeyBinding(trx, accepted.key, { ...accepted.binding, payoutId: accepted.payout.id });
      // Last, since it locks the merchant's ledger accounts until the commit.
      await trx.query('select open_hold($1)', [accepted.payout.id]);
    });
    return 'accepted';
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === 'duplicate') return 'duplicate';
    if (refusal === 'insufficient_float') return 'insufficient_float';
    throw error;
  }
}

async function insertPayout(trx: Db, { payout, customerEnc, uniqueReference, actor }: NewPayout): Promise<void> {
  await trx.query(
    `with accepted as (
       insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider,
         credential_id, recipient_msisdn, description, customer_enc, reference, unique_reference, metadata,
         scheduled_at, reason, sweep_after, created_by, accepted_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         now() + $19 * interval '1 millisecond', $20, $21, $21)
       returning *
     )
     insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
     select id, version, null, state, created_by, reason from accepted`,
    [
      payout.id,
      payout.merchantId,
      payout.environment,
      payout.owner,
      payout.state,
      payout.amount,
      payout.currency,
      payout.method,
      payout.provider,
      payout.credentialId,
      payout.recipient.msisdn ?? null,
      payout.description,
      customerEnc,
      payout.reference,
      uniqueReference ? payout.reference : null,
      payout.metadata,
      payout.scheduledAt,
      payout.reason,
      START_GRACE_MS,
      actor,
      payout.acceptedAt,
    ],
  );
}
