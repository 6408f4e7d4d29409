import type { Db } from './pool';

export interface StoredToken {
  /** 0: there never was one. */
  version: number;
  /** Sealed, purpose `provider-token`; null before the first one and since the credential was replaced. */
  tokenEnc: Buffer | null;
  expiresInMs: number;
}

/**
 * The newest token of a credential as it was opened, with what is left of its life by the database's clock; null where the
 * credential was replaced since: its token is another client's.
 */
export async function findProviderToken(
  db: Db,
  { id, pinVersion }: { id: string; pinVersion: number },
): Promise<StoredToken | null> {
  const { rows } = await db.query<{ version: number; token_enc: Buffer | null; expires_in_ms: number }>(
    `select coalesce(token.version, 0) as version, token.token_enc,
       coalesce(extract(epoch from token.expires_at - clock_timestamp()) * 1000, 0)::float8 as expires_in_ms
     from credentials credential left join provider_tokens token on token.credential_id = credential.id
     where credential.id = $1 and credential.pin_version = $2`,
    [id, pinVersion],
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

/** Writes the renewed token after the version that was leased, and gives the lease back; null where another one stands. */
export async function saveProviderToken(
  db: Db,
  token: { credentialId: string; version: number; tokenEnc: Buffer; lifeMs: number },
): Promise<number | null> {
  const { rows } = await db.query<{ version: number }>(
    `update provider_tokens set version = version + 1, token_enc = $2,
       expires_at = clock_timestamp() + $3 * interval '1 millisecond', renewing_until = null
     where credential_id = $1 and version = $4 returning version`,
    [token.credentialId, token.tokenEnc, token.lifeMs, token.version],
  );
  return rows[0]?.version ?? null;
}

export async function endTokenLease(db: Db, lease: { credentialId: string; version: number }): Promise<void> {
  await db.query('update provider_tokens set renewing_until = null where credential_id = $1 and version = $2', [
    lease.credentialId,
    lease.version,
  ]);
}

/**
 * Ends the token of a credential that is replaced: it is the old client's. The version moves on, from 0 as well, so that a
 * renewal that is under way for the old client finds no lease of its own and writes nothing.
 */
export async function endProviderToken(trx: Db, credentialId: string): Promise<void> {
  await trx.query(
    `insert into provider_tokens (credential_id, version) values ($1, 1)
     on conflict (credential_id) do update set version = provider_tokens.version + 1, token_enc = null,
       expires_at = null, renewing_until = null`,
    [credentialId],
  );
}
