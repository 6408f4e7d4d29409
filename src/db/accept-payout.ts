import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import type { Actor } from '../domain/principal';
import { refusalOf } from './errors';
import type { IdempotencyKey, KeyBinding } from './idempotency-keys';
import { prepared } from './prepared';
import { queryAndCommit } from './transaction';

export interface NewPayout {
  /** As it shall stand: version 1, attempt 1, hold 1, `queued` or `scheduled`. */
  payout: Payout;
  /** Sealed JSON of the customer, purpose `customer`. */
  customerEnc: Buffer;
  /** True where the merchant wants the reference to be used once. */
  uniqueReference: boolean;
  actor: Actor;
  key: IdempotencyKey;
  binding: Omit<KeyBinding, 'objectId'>;
}

/** `duplicate`: the key is bound, or the unique reference used, by somebody who committed first: read who. */
export type AcceptResult = 'accepted' | 'duplicate' | 'insufficient_float' | 'approval_required';

/** Milliseconds after which the sweeper makes sure that an accepted payout has a run. */
const START_GRACE_MS = 10_000;

/**
 * Accepts payouts in one statement, which commits: their rows, first events, idempotency keys and holds. Those whose key is bound
 * already are left out, as `duplicate`. Where one of them is refused for another reason, all are rolled back and tried
 * one by one: a refusal leaves no trace. Throws `CommitUnknownError` where it cannot be told whether they stand.
 * @returns a result for each, in their order.
 */
export async function acceptPayouts(pool: Pool, payouts: readonly NewPayout[]): Promise<readonly AcceptResult[]> {
  try {
    const accept = ACCEPT(JSON.stringify(payouts.map(toRow)), START_GRACE_MS);
    const { rows } = await queryAndCommit<{ id: string }>(pool, accept);
    const accepted = new Set(rows.map(({ id }) => id));
    return payouts.map(({ payout }) => (accepted.has(payout.id) ? 'accepted' : 'duplicate'));
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    if (payouts.length === 1) {
      if (refusal === 'duplicate' || refusal === 'insufficient_float' || refusal === 'approval_required')
        return [refusal];
      throw error;
    }
    const results: AcceptResult[] = [];
    for (const payout of payouts) results.push(...(await acceptPayouts(pool, [payout])));
    return results;
  }
}

function toRow({ payout, customerEnc, uniqueReference, actor, key, binding }: NewPayout): object {
  return {
    id: payout.id,
    merchant_id: payout.merchantId,
    environment: payout.environment,
    owner: payout.owner,
    state: payout.state,
    amount: payout.amount.toString(),
    currency: payout.currency,
    method: payout.method,
    provider: payout.provider,
    credential_id: payout.credentialId,
    recipient_msisdn: payout.recipient.msisdn ?? null,
    description: payout.description,
    customer_hex: customerEnc.toString('hex'),
    reference: payout.reference,
    unique_reference: uniqueReference ? payout.reference : null,
    metadata: payout.metadata,
    scheduled_at: payout.scheduledAt,
    reason: payout.reason,
    created_by: actor,
    accepted_at: payout.acceptedAt,
    operation: key.operation,
    key: key.key,
    field_hashes: binding.fieldHashes,
    answer_hex: binding.answerEnc.toString('hex'),
  };
}

/** The holds come last, since they lock the merchants' ledger accounts until the commit. */
const ACCEPT = prepared(
  'accept_payouts',
  `
with asked as (
  select * from jsonb_to_recordset($1::jsonb) as asked (id text, merchant_id text, environment text, owner text,
    state text, amount bigint, currency text, method text, provider text, credential_id text, recipient_msisdn text,
    description text, customer_hex text, reference text, unique_reference text, metadata jsonb,
    scheduled_at timestamptz, reason text, created_by text, accepted_at timestamptz, operation text, key text,
    field_hashes jsonb, answer_hex text)
), bound as (
  insert into idempotency_keys (merchant_id, environment, operation, key, payout_id, field_hashes, answer_enc)
  select merchant_id, environment, operation, key, id, field_hashes, decode(answer_hex, 'hex') from asked
  on conflict (merchant_id, environment, operation, key) do nothing
  returning payout_id
), accepted as (
  insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider, credential_id,
    recipient_msisdn, description, customer_enc, reference, unique_reference, metadata, scheduled_at, reason,
    sweep_after, created_by, accepted_at, updated_at)
  select id, merchant_id, environment, owner, state, amount, currency, method, provider, credential_id,
    recipient_msisdn, description, decode(customer_hex, 'hex'), reference,
    normalize(unique_reference, NFC), metadata, scheduled_at,
    reason, now() + $2 * interval '1 millisecond', created_by, accepted_at, accepted_at
  from asked join bound on bound.payout_id = asked.id
  returning *
), events as (
  insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
  select id, version, null, state, created_by, reason from accepted
), together as (
  select array_agg(id) as ids from accepted
)
select open_holds(ids) as id from together`,
);
