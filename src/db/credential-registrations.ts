import type { Pool } from 'pg';

import { newId } from './ids';
import type { GatedAccount, PinEvidence } from './pin-gates';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** Why a secret may not be registered now; the message is the operator's. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';

  constructor(readonly why: 'held' | 'not_held' | 'under_way' | 'refused_today') {
    super(MESSAGES[why]);
  }
}

const MESSAGES = {
  held: "another merchant's verified credential holds this account: no call is made with another secret. With the holder's consent, `--consent TEXT` saves it without one",
  not_held: 'no other merchant holds this account: leave --consent out',
  under_way: 'a secret of this account is being checked now: try again in a few minutes',
  refused_today:
    'a secret of this account was refused, or its answer lost, within 24 hours: each is a try at the provider. `--override REASON` makes one more',
} as const;

export interface Registration {
  account: GatedAccount;
  merchantId: string;
  personId: string;
  fingerprint: Buffer;
  override: string | null;
}

/** A check that was not heard of for so long has lost its process; its call may have been a try. */
const CHECK_MINUTES = 5;

/**
 * Lets a secret be registered, or throws `RegistrationRefused`: under the account's lock, so that of two at once one passes.
 * Written before the call; `writeVerdict` tells its end, and one that is never told counts as a try. Over all merchants.
 */
export async function reserveRegistration(
  pool: Pool,
  registration: Registration & { kind: 'check' | 'unchecked' },
): Promise<string> {
  return await withTransaction(pool, async (trx) => {
    await lockAccount(trx, registration.account);
    if (await isHeldByAnother(trx, registration)) throw new RegistrationRefused('held');
    const { rows } = await trx.query<{ under_way: boolean; tries: number }>(
      `select coalesce(bool_or(verdict is null and registered_at > clock_timestamp() - $4 * interval '1 minute'), false)
           as under_way,
         count(*)::int as tries
       from credential_registrations
       where provider = $1 and environment = $2 and account_number = $3
         and coalesce(verdict_at, registered_at) > clock_timestamp() - interval '24 hours'
         and (verdict in ('wrong', 'lost') or verdict is null and kind = 'check')`,
      [...keyOf(registration.account), CHECK_MINUTES],
    );
    if (rows[0]?.under_way) throw new RegistrationRefused('under_way');
    const isLimited = registration.override === null && !(await isProven(trx, registration));
    if ((rows[0]?.tries ?? 0) > 0 && isLimited) throw new RegistrationRefused('refused_today');
    return await insertRegistration(trx, registration, null);
  });
}

/** The gate knows this very secret to be right: it is no guess. */
async function isProven(trx: Db, { account, fingerprint }: Registration): Promise<boolean> {
  const { rowCount } = await trx.query(
    `select 1 from pin_gates where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4
       and state = 'open'`,
    [...keyOf(account), fingerprint],
  );
  return rowCount === 1;
}

/** Writes down the holder's consent to a registration without a call. Throws `RegistrationRefused` where nobody else holds it. */
export async function registerByConsent(pool: Pool, registration: Registration, consent: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    await lockAccount(trx, registration.account);
    if (!(await isHeldByAnother(trx, registration))) throw new RegistrationRefused('not_held');
    await insertRegistration(trx, { ...registration, kind: 'consent' }, consent);
  });
}

export async function writeVerdict(db: Db, id: string, verdict: Exclude<PinEvidence, 'expired'>): Promise<void> {
  await db.query('update credential_registrations set verdict = $2, verdict_at = clock_timestamp() where id = $1', [
    id,
    verdict,
  ]);
}

/** A payout's call has proven, or disproven, a secret that was registered without one. */
export async function tellRegistration(
  trx: Db,
  account: GatedAccount,
  { fingerprint, verdict }: { fingerprint: Buffer; verdict: 'right' | 'wrong' },
): Promise<void> {
  await trx.query(
    `with told as (
       update credential_registrations set verdict = $5, verdict_at = clock_timestamp()
       where provider = $1 and environment = $2 and account_number = $3 and fingerprint = $4
         and kind = 'unchecked' and verdict is null
       returning merchant_id
     )
     update credentials set verified_at = clock_timestamp()
     where $5 = 'right' and provider = $1 and environment = $2 and account_number = $3 and verified_at is null
       and merchant_id in (select merchant_id from told)`,
    [...keyOf(account), fingerprint, verdict],
  );
}

/** One registration of an account at a time, until the transaction's end. */
export async function lockAccount(trx: Db, account: GatedAccount): Promise<void> {
  await trx.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [
    `credential-registration/${keyOf(account).join('/')}`,
  ]);
}

/** True where another merchant's credential for the account has passed a call. */
export async function isHeldByAnother(
  db: Db,
  { account, merchantId }: { account: GatedAccount; merchantId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from credentials where provider = $1 and environment = $2 and account_number = $3
       and merchant_id <> $4 and verified_at is not null limit 1`,
    [...keyOf(account), merchantId],
  );
  return rowCount === 1;
}

async function insertRegistration(
  trx: Db,
  registration: Registration & { kind: 'check' | 'unchecked' | 'consent' },
  consent: string | null,
): Promise<string> {
  const id = newId('reg');
  const { account, merchantId, personId, kind, fingerprint, override } = registration;
  await trx.query(
    `insert into credential_registrations
       (id, provider, environment, account_number, merchant_id, person_id, kind, fingerprint, consent, override)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [id, ...keyOf(account), merchantId, personId, kind, fingerprint, consent, override],
  );
  return id;
}

function keyOf({ provider, environment, accountNumber }: GatedAccount): readonly [string, string, string] {
  return [provider, environment, accountNumber];
}
