import type { Db } from './pool';

export interface StoredToken {
  version: number;
  /** Sealed, purpose `provider-token`; null before the first one and since the credential was replaced. */
  tokenEnc: Buffer | null;
  expiresInMs: number;
}

/** The credential's newest token with what is left of its life by the database's clock; null where there never was one. */
export async function findProviderToken(db: Db, credentialId: string): Promise<StoredToken | null> {
  const { rows } = await db.query<{ version: number; token_enc: Buffer | null; expires_in_ms: number }>(
    `select version, token_enc,
       coalesce(extract(epoch from expires_at - clock_timestamp()) * 1000, 0)::float8 as expires_in_ms
     from provider_tokens where credential_id = $1`,
    [credentialId],
  );
  const row = rows[0];
  return row ? { version: row.version, tokenEnc: row.token_enc, expiresInMs: row.expires_in_ms } : null;
}

/** Takes the lease to renew the token that has this version; one renews at a time over all workers. */
export async function leaseTokenRenewal(
  db: Db,
  lease: { credentialId: string; version: number; leaseMs: number },
): Promise<boolean> {
  await db.query('insert into provider_tokens (credential_id) values ($1) on conflict do nothing', [
    lease.credentialId,
  ]);
  const { rowCount } = await db.query(
    `update provider_tokens set renewing_until = clock_timestamp() + $3 * interval '1 millisecond'
     where credential_id = $1 and version = $2 and (renewing_until is null or renewing_until < clock_timestamp())`,
    [lease.credentialId, lease.version, lease.leaseMs],
  );
  return rowCount === 1;
}

/** Writes the renewed token as the next version and gives the lease back. */
export async function saveProviderToken(
  db: Db,
  token: { credentialId: string; tokenEnc: Buffer; lifeMs: number },
): Promise<number> {
  const { rows } = await db.query<{ version: number }>(
    `update provider_tokens set version = version + 1, token_enc = $2,
       expires_at = clock_timestamp() + $3 * interval '1 millisecond', renewing_until = null
     where credential_id = $1 returning version`,
    [token.credentialId, token.tokenEnc, token.lifeMs],
  );
  if (!rows[0]) throw new Error('the token was not saved');
  return rows[0].version;
}

export async function endTokenLease(db: Db, credentialId: string): Promise<void> {
  await db.query('update provider_tokens set renewing_until = null where credential_id = $1', [credentialId]);
}
