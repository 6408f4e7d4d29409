import { requestBucket } from '../domain/request-rate';
import type { Db } from './pool';

export interface RequestGrant {
  granted: number;
  /** Milliseconds until the next request may be had; 0 where some were granted. */
  waitMs: number;
}

/** The part of the bucket that those who leave the rest to others do not touch. */
const KEPT_SHARE = 0.5;

export interface RequestLease {
  provider: string;
  accountNumber: string;
  want: number;
  perMinute: number;
  /** Leaves the last half of the bucket to others, who so never wait for the one that takes all it can get. */
  yields: boolean;
}

/** Leases up to `want` requests of an account from its bucket. Over any minute at most `perMinute` are granted. */
export async function leaseRequests(db: Db, lease: RequestLease): Promise<RequestGrant> {
  const { capacity, refillPerMinute } = requestBucket(lease.perMinute);
  const perMs = refillPerMinute / 60_000;
  const kept = lease.yields ? Math.floor(capacity * KEPT_SHARE) : 0;
  await db.query(
    `insert into provider_rates (provider, account_number, tokens, refilled_at) values ($1, $2, $3, clock_timestamp())
     on conflict do nothing`,
    [lease.provider, lease.accountNumber, capacity],
  );
  const { rows } = await db.query<{ granted: number; tokens: number }>(
    `with bucket as (
       select least($4::float8, tokens + extract(epoch from clock_timestamp() - refilled_at) * 1000 * $5::float8) as filled
       from provider_rates where provider = $1 and account_number = $2 for update
     ), lease as (select filled, greatest(0, least($3::int, floor(filled)::int - $6::int)) as granted from bucket)
     update provider_rates set tokens = lease.filled - lease.granted, refilled_at = clock_timestamp()
     from lease where provider = $1 and account_number = $2
     returning lease.granted, tokens`,
    [lease.provider, lease.accountNumber, lease.want, capacity, perMs, kept],
  );
  const row = rows[0];
  if (!row) throw new Error('the account has no bucket');
  return { granted: row.granted, waitMs: row.granted > 0 ? 0 : Math.ceil((kept + 1 - row.tokens) / perMs) };
}
