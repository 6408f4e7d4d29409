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
  await createBucket(db, lease, capacity);
  const { rows } = await db.query<{ granted: number; tokens: number; kept: number }>(
    `with bucket as (
       select ${FILLED} as filled,
         $6::int + case when late_credit >= 1 and late_asked_at > clock_timestamp() - $7 * interval '1 millisecond'
           then 1 else 0 end as kept
       from provider_rates where provider = $1 and account_number = $2 for update
     ), lease as (select *, greatest(0, least($3::int, floor(filled)::int - kept)) as granted from bucket)
     update provider_rates set tokens = lease.filled - lease.granted, refilled_at = clock_timestamp(),
       waited_at = case when lease.granted = 0 then clock_timestamp() else waited_at end
     from lease where provider = $1 and account_number = $2
     returning lease.granted, tokens, lease.kept`,
    [lease.provider, lease.accountNumber, lease.want, capacity, perMs, kept, 60_000 + FEW_TOKENS / perMs],
  );
  const row = rows[0];
  if (!row) throw new Error('the account has no bucket');
  return { granted: row.granted, waitMs: row.granted > 0 ? 0 : Math.ceil((row.kept + 1 - row.tokens) / perMs) };
}

/** Who waits for a token comes back within the time in which so many flow in. */
const FEW_TOKENS = 3;

/** How many requests of late checks may add up while they wait for a token. */
const MOST_LATE_CREDIT = 2;

/**
 * Leases one request for late checks. While others wait for the account's requests, or its bucket is not full, late checks
 * get `share` of what flows into it, no more and no less: a token is kept for them once they have a whole one to their credit.
 * From a full bucket they take what nobody asks for.
 */
export async function leaseLateRequest(
  db: Db,
  lease: Omit<RequestLease, 'want' | 'yields'> & { share: number },
): Promise<RequestGrant> {
  const { capacity, refillPerMinute } = requestBucket(lease.perMinute);
  const perMs = refillPerMinute / 60_000;
  const latePerMs = perMs * lease.share;
  await createBucket(db, lease, capacity);
  const { rows } = await db.query<{ granted: number; tokens: number; credit: number }>(
    `with bucket as (
       select ${FILLED} as filled, least($3::float8, late_credit
         + least(extract(epoch from clock_timestamp() - late_asked_at), 3600) * 1000 * $6::float8) as credit,
         waited_at < clock_timestamp() - $7 * interval '1 millisecond' as is_idle
       from provider_rates where provider = $1 and account_number = $2 for update
     ), lease as (
       select *, case when is_free or (credit >= 1 and filled >= 1) then 1 else 0 end as granted
       from (select *, is_idle and filled >= $4::float8 as is_free from bucket) bucket
     )
     update provider_rates set tokens = lease.filled - lease.granted, refilled_at = clock_timestamp(),
       late_credit = case when lease.is_free then lease.credit else lease.credit - lease.granted end,
       late_asked_at = clock_timestamp()
     from lease where provider = $1 and account_number = $2
     returning lease.granted, tokens, late_credit as credit`,
    [lease.provider, lease.accountNumber, MOST_LATE_CREDIT, capacity, perMs, latePerMs, FEW_TOKENS / perMs],
  );
  const row = rows[0];
  if (!row) throw new Error('the account has no bucket');
  if (row.granted > 0) return { granted: row.granted, waitMs: 0 };
  // Of a bucket that is full already: until it is clear that nobody waits.
  const untilFull = Math.max(1, capacity - row.tokens) / perMs;
  const untilDue = row.credit >= 1 ? (1 - row.tokens) / perMs : (1 - row.credit) / latePerMs;
  return { granted: 0, waitMs: Math.max(1, Math.ceil(Math.min(untilFull, untilDue))) };
}

/** What the bucket holds by now. $4: its capacity, $5: tokens that flow in per millisecond. */
const FILLED = 'least($4::float8, tokens + extract(epoch from clock_timestamp() - refilled_at) * 1000 * $5::float8)';

async function createBucket(
  db: Db,
  { provider, accountNumber }: Pick<RequestLease, 'provider' | 'accountNumber'>,
  capacity: number,
): Promise<void> {
  await db.query(
    `insert into provider_rates (provider, account_number, tokens, refilled_at) values ($1, $2, $3, clock_timestamp())
     on conflict do nothing`,
    [provider, accountNumber, capacity],
  );
}
