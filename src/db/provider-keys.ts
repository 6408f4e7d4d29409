import type { Db } from './pool';
import { prepared } from './prepared';

export interface StoredKey {
  keyId: string;
  publicKey: string;
}

/** The provider's present key, with what was kept of a PIN under it. */
export interface StoredPinKey extends StoredKey {
  /** Sealed, purpose `pin-ciphertext`; null where this PIN was not encrypted under this key yet. */
  ciphertextEnc: Buffer | null;
}

export interface PinKeyRow {
  key_id: string | null;
  public_key: string;
  ciphertext_enc: Buffer | null;
}

/** The columns of a `PinKeyRow`. */
export const PIN_KEY_COLUMNS = 'provider_key.key_id, provider_key.public_key, pin.ciphertext_enc';

/** Joins what they are of to a relation `credential` with `id` and `pin_version`. */
export const PIN_KEY_JOIN = `
  left join provider_keys provider_key on provider_key.credential_id = credential.id
  left join pin_ciphertexts pin on pin.credential_id = credential.id and pin.pin_version = credential.pin_version
    and pin.key_id = provider_key.key_id`;

export function rowToPinKey(row: PinKeyRow): StoredPinKey | null {
  const { key_id: keyId, public_key: publicKey, ciphertext_enc: ciphertextEnc } = row;
  return keyId === null ? null : { keyId, publicKey, ciphertextEnc };
}

const FIND = prepared(
  'find_provider_key',
  `select ${PIN_KEY_COLUMNS} from (select $1::text as id, $2::integer as pin_version) credential ${PIN_KEY_JOIN}`,
);

export async function findProviderKey(
  db: Db,
  { id, pinVersion }: { id: string; pinVersion: number },
): Promise<StoredPinKey | null> {
  const { rows } = await db.query<PinKeyRow>(FIND(id, pinVersion));
  return rows[0] ? rowToPinKey(rows[0]) : null;
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
