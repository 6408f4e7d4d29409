import type { Pool } from 'pg';

import { newId } from './ids';
import { insertOperatorEvent } from './operator-actions';
import {
  deletePinRefusal,
  insertPinRefusal,
  isRotationRequired,
  lockPinGate,
  passPinGate,
  setPinGate,
} from './pin-gates';
import type { GatedAccount } from './pin-gates';
import type { Db } from './pool';
import { withTransaction } from './transaction';
import { wakeQueuedPayouts } from './wake-payouts';

/** What an operator's change of a PIN is called where it is written down. */
export const CHANGE_PIN = 'change_pin';

export interface PinChange {
  credentialId: string;
  account: GatedAccount;
  newPinEnc: Buffer;
  newFingerprint: Buffer;
  oldFingerprint: Buffer;
  personId: string;
}

/**
 * Writes a PIN change ahead of its call, and closes the gate: until the answer is known, either PIN may be the right one.
 * The call takes the old PIN to the provider, so the gate must let it pass, or wait for this very change: null where it does
 * neither, and nothing is written. `after`: the gate if the change is refused.
 */
export async function writePinChange(
  pool: Pool,
  change: PinChange,
): Promise<{ id: string; after: 'unproven' | 'rotation_required' } | null> {
  return await withTransaction(pool, async (trx) => {
    const id = newId('pc');
    await lockPinGate(trx, change.account);
    const gate = await passPinGate(trx, change.account, { fingerprint: change.oldFingerprint, callId: id, probeMs: 0 });
    const isRequired = gate === 'blocked' && (await isRotationRequired(trx, change.account, change.oldFingerprint));
    if (gate !== 'proceed' && gate !== 'probe' && !isRequired) return null;
    await trx.query(
      `insert into pin_changes (id, credential_id, new_pin_enc, new_fingerprint, requested_by) values ($1, $2, $3, $4, $5)`,
      [id, change.credentialId, change.newPinEnc, change.newFingerprint, change.personId],
    );
    await setPinGate(trx, change.account, { fingerprint: change.oldFingerprint, state: 'pin_unknown' });
    return { id, after: isRequired ? 'rotation_required' : 'unproven' };
  });
}

/**
 * Milliseconds until no call that the gate let pass before it closed can leave any more; 0 once each of them has its
 * answer. A PIN that is changed sooner makes a wrong try of each that is still on its way. `marginMs`: SEND_BY_MARGIN_MS.
 */
export async function readCallsUnderWayMs(
  db: Db,
  { provider, environment, accountNumber }: GatedAccount,
  marginMs: number,
): Promise<number> {
  const { rows } = await db.query<{ ms: number }>(
    `select coalesce(max(extract(epoch from
         submission.send_by + $4 * interval '1 millisecond' - clock_timestamp()) * 1000), 0)::float8 as ms
     from payouts payout join submissions submission on submission.payout_id = payout.id
     where payout.state in ('processing', 'unknown') and payout.environment = $2
       and submission.provider = $1 and submission.account_number = $3
       and (submission.outcome is null or submission.outcome = 'unknown')`,
    [provider, environment, accountNumber, marginMs],
  );
  return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
}

/**
 * Writes what became of a PIN change. `changed`: the new PIN is saved, for this credential and every other of the same
 * account that had the old one is left to people; it must pass one call alone. `refused`: the old PIN is in force.
 * `wrong_pin`: the old PIN was refused. `unknown`: the gate stays closed as `pin_unknown`.
 */
export async function finishPinChange(
  pool: Pool,
  change: PinChange & { id: string; after: 'unproven' | 'rotation_required' },
  end: { outcome: 'changed' | 'refused' | 'wrong_pin' | 'unknown'; code: string | null },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    // Payouts before their gate, in the order of every intent.
    await wakeQueuedPayouts(trx, { reasons: ['credential_blocked'], credentialIds: [change.credentialId] });
    await trx.query('update pin_changes set outcome = $2, code = $3, finished_at = clock_timestamp() where id = $1', [
      change.id,
      end.outcome,
      end.code,
    ]);
    if (end.outcome === 'changed') {
      await trx.query(
        'update credentials set pin_enc = $2, pin_version = pin_version + 1, updated_at = now() where id = $1',
        [change.credentialId, change.newPinEnc],
      );
      await deletePinRefusal(trx, change.account, change.newFingerprint);
      await setPinGate(trx, change.account, { fingerprint: change.newFingerprint, state: 'unproven' });
    }
    if (end.outcome === 'wrong_pin') {
      await insertPinRefusal(trx, change.account, { fingerprint: change.oldFingerprint, code: end.code });
    }
    if (end.outcome === 'refused') {
      await setPinGate(trx, change.account, { fingerprint: change.oldFingerprint, state: change.after });
    }
    await insertOperatorEvent(trx, {
      personId: change.personId,
      action: CHANGE_PIN,
      target: change.credentialId,
      detail: { outcome: end.outcome, code: end.code },
    });
  });
}
