import type { PaidByCallback } from '../domain/callback';
import type { CallbackClaim } from '../domain/callback-merge';
import { callbackEffect } from '../domain/callback-merge';
import type { ProviderId } from '../domain/methods';
import type { SubmissionOutcome } from '../domain/outcome';
import type { PayoutState } from '../domain/payout-state';
import { checkLateAtOnce } from './late-checks';
import type { Db } from './pool';

/** Whose callbacks a path token stands for. */
export interface CallbackCredential {
  credentialId: string;
  merchantId: string;
  /** Sealed JSON `{ signingSecret, authorization }`, purpose `callback-secrets`; null where none was registered. */
  callbackSecretsEnc: Buffer | null;
}

/** By the SHA-256 of the path token; null where it is none of ours. */
export async function findCallbackCredential(
  db: Db,
  provider: ProviderId,
  tokenHash: Buffer,
): Promise<CallbackCredential | null> {
  const { rows } = await db.query<{ id: string; merchant_id: string; callback_secrets_enc: Buffer | null }>(
    'select id, merchant_id, callback_secrets_enc from credentials where provider = $1 and callback_token_hash = $2',
    [provider, tokenHash],
  );
  const row = rows[0];
  return row
    ? { credentialId: row.id, merchantId: row.merchant_id, callbackSecretsEnc: row.callback_secrets_enc }
    : null;
}

export interface NewCallback {
  id: string;
  provider: ProviderId;
  credentialId: string;
  /** Equal over the provider's retries of one event. */
  eventId: string;
  reference: string | null;
  providerReference: string | null;
  claim: CallbackClaim;
  paid: PaidByCallback;
  /** Sealed, purpose `callback`. */
  bodyEnc: Buffer;
}

/**
 * Keeps an authentic callback, matched or not, and whether it says that anything else was paid than the submission that it names by
 * our reference. False where the same event was kept before.
 */
export async function insertCallback(db: Db, callback: NewCallback): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into callbacks (id, provider, credential_id, event_id, reference, provider_reference, claim, body_enc,
       sweep_after, differs)
     values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + interval '10 seconds', (
       select not (coalesce($9::bigint = submission.amount, true) and coalesce($10 = submission.currency, true)
         and coalesce($11 = payout.recipient_msisdn, true))
       from submissions submission join payouts payout on payout.id = submission.payout_id
       where submission.id = $5 and submission.credential_id = $3))
     on conflict (provider, credential_id, event_id) do nothing`,
    [
      callback.id,
      callback.provider,
      callback.credentialId,
      callback.eventId,
      callback.reference,
      callback.providerReference,
      callback.claim,
      callback.bodyEnc,
      callback.paid.amount,
      callback.paid.currency,
      callback.paid.recipient,
    ],
  );
  return rowCount === 1;
}

/** Called once a run has heard of the callback: nobody needs to be told again. */
export async function markCallbackApplied(db: Db, callbackId: string): Promise<void> {
  await db.query('update callbacks set applied_at = clock_timestamp() where id = $1 and applied_at is null', [
    callbackId,
  ]);
}

interface LeasedRow {
  id: string;
  claim: CallbackClaim;
  payout_id: string | null;
  state: PayoutState | null;
  owner: string | null;
  outcome: SubmissionOutcome;
  is_other: boolean;
}

export interface DueCallback {
  callbackId: string;
  payoutId: string;
}

/**
 * Leases one callback for 30 seconds and applies what can be applied by the merge table. Returns the payout whose run
 * must hear of it, or null where there is nothing more to do now.
 */
export async function applyCallback(db: Db, callbackId: string): Promise<DueCallback | null> {
  const { rows } = await db.query<LeasedRow>(leaseSql('id = $1 and applied_at is null'), [callbackId]);
  return (await applyLeased(db, rows))[0] ?? null;
}

/** Leases callbacks that no run has heard of yet and that name a payout of ours by now; for the sweeper. */
export async function claimCallbacks(db: Db, limit: number): Promise<readonly DueCallback[]> {
  const { rows } = await db.query<LeasedRow>(
    leaseSql('applied_at is null and sweep_after < clock_timestamp() order by sweep_after limit $1'),
    [limit],
  );
  return await applyLeased(db, rows);
}

/**
 * A callback names a submission by our reference, or else by the provider's; only one of the credential that it came
 * in for. One that names none is kept for a week, since it may come before our own answer, and is then let be.
 */
function leaseSql(which: string): string {
  return `
with due as (
  select * from callbacks where ${which} for update skip locked
), matched as (
  select due.id, coalesce(due.payout_id, named.payout_id) as payout_id, named.outcome,
    coalesce(due.differs, false) or coalesce(due.provider_reference <> named.provider_reference, false) as is_other
  from due left join lateral (
    select payout_id, outcome, provider_reference from submissions
    where credential_id = due.credential_id and kind = 'call' and case
      when due.reference is not null then id = due.reference
      else provider = due.provider and provider_reference = due.provider_reference end
    order by created_at desc limit 1) named on true
), leased as (
  update callbacks set
    payout_id = matched.payout_id,
    sweep_after = clock_timestamp() + interval '30 seconds',
    applied_at = case when matched.payout_id is null and received_at < clock_timestamp() - interval '7 days'
      then clock_timestamp() end
  from matched where callbacks.id = matched.id
  returning callbacks.id, callbacks.claim, callbacks.payout_id, matched.outcome, matched.is_other
)
select leased.*, payouts.state, payouts.owner from leased left join payouts on payouts.id = leased.payout_id`;
}

async function applyLeased(db: Db, rows: readonly LeasedRow[]): Promise<readonly DueCallback[]> {
  const due: DueCallback[] = [];
  for (const { id, claim, payout_id: payoutId, state, owner, outcome, is_other: isOther } of rows) {
    if (payoutId === null || state === null) continue;
    const effect = callbackEffect(state, claim, { outcome, isOther });
    switch (effect) {
      case 'look_up':
        // A line that its bulk carries has no run to be told; the bulk asks for it in its rounds.
        if (owner?.startsWith('bulk/')) await markCallbackApplied(db, id);
        else due.push({ callbackId: id, payoutId });
        break;
      case 'verify':
        await checkLateAtOnce(db, payoutId);
        await markCallbackApplied(db, id);
        break;
      case 'known':
        await markCallbackApplied(db, id);
        break;
      default:
        return effect satisfies never;
    }
  }
  return due;
}
