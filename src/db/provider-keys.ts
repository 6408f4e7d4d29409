import type { Db } from './pool';

export interface StoredKey {
  keyId: string;
  publicKey: string;
}

export async function findProviderKey(db: Db, credentialId: string): Promise<StoredKey | null> {
  const { rows } = await db.query<{ key_id: string; public_key: string }>(
    'select key_id, public_key from provider_keys where credential_id = $1 and key_id is not null',
    [credentialId],
  );
  return rows[0] ? { keyId: rows[0].key_id, publicKey: rows[0].public_key } : null;
}

/** Takes the lease to fetch the key anew while it is still the stale one (null: there is none yet). */
export async function leaseKeyRenewal(
  db: Db,
  lease: { credentialId: string; staleKeyId: string | null; leaseMs: number },
): Promise<boolean> {
  await db.query('insert into provider_keys (credential_id) values ($1) on conflict do nothing', [lease.credentialId]);
  const { rowCount } = await db.query(
    `update provider_keys set renewing_until = clock_timestamp() + $3 * interval '1 millisecond'
     where credential_id = $1 and key_id is not distinct from $2
       and (renewing_until is null or renewing_until < clock_timestamp())`,
    [lease.credentialId, lease.staleKeyId, lease.leaseMs],
  );
  return rowCount === 1;
}

export async function saveProviderKey(db: Db, credentialId: string, key: StoredKey): Promise<void> {
  await db.query(
    `update provider_keys set key_id = $2, public_key = $3, fetched_at = clock_timestamp(), renewing_until = null
     where credential_id = $1`,
    [credentialId, key.keyId, key.publicKey],
  );
}

export async function endKeyLease(db: Db, credentialId: string): Promise<void> {
  await db.query('update provider_keys set renewing_until = null where credential_id = $1', [credentialId]);
}

/** The sealed ciphertext of a PIN under a provider's key, purpose `pin-ciphertext`. */
export async function findPinCiphertext(
  db: Db,
  which: { credentialId: string; pinVersion: number; keyId: string },
): Promise<Buffer | null> {
  const { rows } = await db.query<{ ciphertext_enc: Buffer }>(
    'select ciphertext_enc from pin_ciphertexts where credential_id = $1 and pin_version = $2 and key_id = $3',
    [which.credentialId, which.pinVersion, which.keyId],
  );
  return rows[0]?.ciphertext_enc ?? null;
}

export async function savePinCiphertext(
  db: Db,
  pin: { credentialId: string; pinVersion: number; keyId: string; ciphertextEnc: Buffer },
): Promise<void> {
  await db.query(
    `insert into pin_ciphertexts (credential_id, pin_version, key_id, ciphertext_enc) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [pin.credentialId, pin.pinVersion, pin.keyId, pin.ciphertextEnc],
  );
}
