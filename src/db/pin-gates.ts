import { tellRegistration } from './credential-registrations';
import type { Db } from './pool';
import { prepared } from './prepared';

/** The account that a PIN's tries belong to, whichever credential, balance or health call makes them. */
export interface GatedAccount {
  provider: string;
  environment: string;
  accountNumber: string;
}

/**
 * What the gate says to a PIN-bearing call. `proceed`: the PIN is proven. `probe`: it is new and this call alone proves
 * it; its end must be told by `settleProbe`. `proving`: another call proves it now. `blocked`: no call may leave.
 */
export type GateAnswer = 'proceed' | 'probe' | 'proving' | 'blocked';

const PASS_OPEN_GATE = prepared(
  'pass_open_gate',
  `select 1 from pin_gates where provider = $1 and environment = $2 and account_number = $3
       and pin_fingerprint = $4 and state = 'open' for share`,
);

/**
 * Asks the gate, in the transaction that writes the call down. The row stays share-locked until its commit, so that a
 * refusal which closes the gate comes before or after an intent, never beside it.
 */
export async function passPinGate(
  trx: Db,
  account: GatedAccount,
  call: { fingerprint: Buffer; callId: string; probeMs: number },
): Promise<GateAnswer> {
  const key = [account.provider, account.environment, account.accountNumber];
  const open = await trx.query(PASS_OPEN_GATE(...key, call.fingerprint));
  if (open.rowCount === 1) return 'proceed';
  const probe = await trx.query(
    `update pin_gates set probe = $5, probe_until = clock_timestamp() + $6 * interval '1 millisecond',
       updated_at = clock_timestamp()
     where provider = $1 and environment = $2 and account_number = $3 and state = 'unproven' and pin_fingerprint = $4
       and probe is null`,
    [...key, call.fingerprint, call.callId, call.probeMs],
  );
  if (probe.rowCount === 1) return 'probe';
  const { rows } = await trx.query<{ state: string }>(
    `select state from pin_gates
     where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4`,
    [...key, call.fingerprint],
  );
  // Open by now: the probe passed between the two reads; the caller comes back for it.
  return rows[0]?.state === 'unproven' || rows[0]?.state === 'open' ? 'proving' : 'blocked';
}

/**
 * Locks an account's gate for who will both ask it and change it: two that had asked first would wait for each other.
 * After the rows of payouts, where both are locked, as every intent does.
 */
export async function lockPinGate(trx: Db, { provider, environment, accountNumber }: GatedAccount): Promise<void> {
  await trx.query(
    `select 1 from pin_gates where provider = $1 and environment = $2 and account_number = $3 for no key update`,
    [provider, environment, accountNumber],
  );
}

/**
 * What a PIN-bearing call showed of its PIN. `expired`: it is right, and the provider does nothing with it before it is changed.
 * `silent`: it was answered before the PIN mattered, or never left.
 */
export type PinEvidence = 'right' | 'wrong' | 'expired' | 'silent' | 'lost';

/** How many answers of probes may be lost before people must look: each may have been a wrong try at the provider. */
const MAX_LOST_PROBES = 1;

/**
 * Tells the gate what a call showed. A wrong PIN blocks it for every call that has not left yet, and so does one that must be
 * changed (`rotation_required`), but for the call that changes it; a right one opens it.
 * Evidence about another PIN than the gate's present one changes nothing.
 */
export async function tellPinGate(
  trx: Db,
  account: GatedAccount,
  call: { fingerprint: Buffer; callId: string; evidence: PinEvidence; code: string | null },
): Promise<void> {
  if (call.evidence === 'wrong') await insertPinRefusal(trx, account, call);
  const isRight = call.evidence === 'right' || call.evidence === 'expired';
  if (isRight || call.evidence === 'wrong')
    await tellRegistration(trx, account, { ...call, verdict: isRight ? 'right' : 'wrong' });
  if (isRight) await deletePinRefusal(trx, account, call.fingerprint);
  await trx.query(
    `update pin_gates set
       state = case
         when $6 = 'wrong' then 'blocked'
         when $6 = 'expired' and state in ('unproven', 'open') then 'rotation_required'
         when $6 = 'right' and state = 'unproven' then 'open'
         when $6 = 'lost' and state = 'unproven' and probe = $5 and lost_probes >= $8 then 'blocked'
         else state end,
       refusals = refusals + case when $6 = 'wrong' then 1 else 0 end,
       lost_probes = case when $6 in ('right', 'expired') then 0 when $6 = 'lost' and probe = $5 then lost_probes + 1 else lost_probes end,
       probe = case when probe = $5 then null else probe end,
       probe_until = case when probe = $5 then null else probe_until end,
       last_code = coalesce($7, last_code),
       updated_at = clock_timestamp()
     where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4
       and ($6 in ('wrong', 'right', 'expired') or probe = $5)
       and not ($6 = 'right' and state = 'open')`,
    [
      account.provider,
      account.environment,
      account.accountNumber,
      call.fingerprint,
      call.callId,
      call.evidence,
      call.code,
      MAX_LOST_PROBES,
    ],
  );
}

/** Counts a probe whose caller never came back as lost, so that a killed worker does not hold the gate for ever. */
export async function expireLostProbes(db: Db): Promise<void> {
  await db.query(
    `update pin_gates set
       state = case when lost_probes >= $1 then 'blocked' else state end,
       lost_probes = lost_probes + 1, probe = null, probe_until = null, updated_at = clock_timestamp()
     where probe is not null and probe_until < clock_timestamp()`,
    [MAX_LOST_PROBES],
  );
}

/** Puts a PIN before the gate: `unproven` until a call passes with it, or in the state that a call has shown. */
export async function setPinGate(
  trx: Db,
  account: GatedAccount,
  pin: { fingerprint: Buffer; state: 'unproven' | 'open' | 'pin_unknown' | 'rotation_required' },
): Promise<void> {
  await trx.query(
    `insert into pin_gates (provider, environment, account_number, pin_fingerprint, state) values ($1, $2, $3, $4, $5)
     on conflict (provider, environment, account_number) do update set
       pin_fingerprint = excluded.pin_fingerprint, state = excluded.state, probe = null, probe_until = null,
       lost_probes = 0, last_code = null, updated_at = clock_timestamp()`,
    [account.provider, account.environment, account.accountNumber, pin.fingerprint, pin.state],
  );
}

/** True where the provider asks for another PIN than the one that the gate knows, and knows to be right. */
export async function isRotationRequired(db: Db, account: GatedAccount, fingerprint: Buffer): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from pin_gates where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4
       and state = 'rotation_required'`,
    [account.provider, account.environment, account.accountNumber, fingerprint],
  );
  return rowCount === 1;
}

/** Remembers that a provider refused this PIN for this account; it is never tried again by us. */
export async function insertPinRefusal(
  trx: Db,
  account: GatedAccount,
  refusal: { fingerprint: Buffer; code: string | null },
): Promise<void> {
  await trx.query(
    `insert into pin_refusals (provider, environment, account_number, pin_fingerprint, code) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [account.provider, account.environment, account.accountNumber, refusal.fingerprint, refusal.code],
  );
}

/** The provider has accepted the PIN since: what it refused once is the account's PIN now. */
export async function deletePinRefusal(trx: Db, account: GatedAccount, fingerprint: Buffer): Promise<void> {
  await trx.query(
    `delete from pin_refusals
     where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4`,
    [account.provider, account.environment, account.accountNumber, fingerprint],
  );
}

export async function wasPinRefused(db: Db, account: GatedAccount, fingerprint: Buffer): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from pin_refusals
     where provider = $1 and environment = $2 and account_number = $3 and pin_fingerprint = $4`,
    [account.provider, account.environment, account.accountNumber, fingerprint],
  );
  return rowCount === 1;
}
