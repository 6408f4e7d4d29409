import type { Pool } from 'pg';

import { isHeldByAnother, lockAccount, RegistrationRefused, writeVerdict } from './credential-registrations';
import { insertOperatorEvent } from './operator-actions';
import { setPinGate } from './pin-gates';
import { endProviderToken } from './provider-tokens';
import { withTransaction } from './transaction';
import { wakeQueuedPayouts } from './wake-payouts';
import type { Credential } from './credentials';

export interface NewCredential extends Omit<Credential, 'pinVersion'> {
  pinFingerprint: Buffer;
  /**
   * `open` after a call has passed with the PIN, `unproven` where none was made, `rotation_required` where one was told to change
   * it. `kept`: the gate is the holder's and stays as it is; this credential passes it if its PIN is the same.
   */
  gate: 'open' | 'unproven' | 'rotation_required' | 'kept';
  /** The registration whose call has passed; none where no call was made. */
  registrationId?: string;
  personId: string;
}

/**
 * Saves a credential, or replaces the one in its place; the PIN gets a new version, which ends the token of the
 * old client, its account's gate gets the PIN, and the payouts that waited for it are due at once. Returns the credential's id and how many were woken.
 * Throws `RegistrationRefused` where another merchant holds the account.
 */
export async function saveCredential(pool: Pool, credential: NewCredential): Promise<{ id: string; woken: number }> {
  return await withTransaction(pool, async (trx) => {
    await lockAccount(trx, credential);
    const { merchantId, gate, registrationId } = credential;
    if (gate !== 'kept' && (await isHeldByAnother(trx, { account: credential, merchantId }))) {
      throw new RegistrationRefused('held');
    }
    if (registrationId !== undefined) await writeVerdict(trx, registrationId, 'right');
    const { rows } = await trx.query<{ id: string }>(
      `insert into credentials (id, merchant_id, environment, provider, operator, transaction_type, role,
         account_number, id_type, secret_enc, pin_enc, verified_at)
       values ($1, $2, $3, $4, $5, 'payout', $6, $7, $8, $9, $10, case when $11 then clock_timestamp() end)
       on conflict (merchant_id, environment, provider, operator, transaction_type, role) do update set
         account_number = excluded.account_number, id_type = excluded.id_type, secret_enc = excluded.secret_enc,
         pin_enc = excluded.pin_enc, pin_version = credentials.pin_version + 1, updated_at = now(),
         verified_at = coalesce(excluded.verified_at,
           case when credentials.account_number = excluded.account_number then credentials.verified_at end)
       returning id`,
      [
        credential.id,
        credential.merchantId,
        credential.environment,
        credential.provider,
        credential.operator,
        credential.role,
        credential.accountNumber,
        credential.idType,
        credential.secretEnc,
        credential.pinEnc,
        gate === 'open' || gate === 'rotation_required',
      ],
    );
    const id = rows[0]?.id ?? credential.id;
    await endProviderToken(trx, id);
    // Payouts before their gate, in the order of every intent.
    const woken = await wakeQueuedPayouts(trx, {
      reasons: ['credential_blocked', 'credential_proving', 'credential_refused'],
      credentialIds: [id],
    });
    if (gate !== 'kept') await setPinGate(trx, credential, { fingerprint: credential.pinFingerprint, state: gate });
    await insertOperatorEvent(trx, {
      personId: credential.personId,
      action: 'credential_set',
      target: id,
      detail: { provider: credential.provider, operator: credential.operator, gate: credential.gate },
    });
    return { id, woken };
  });
}
