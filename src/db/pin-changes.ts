import type { Pool } from 'pg';

import { newId } from './ids';
import { insertOperatorEvent } from './operator-actions';
import { deletePinRefusal, insertPinRefusal, passPinGate, setPinGate } from './pin-gates';
import type { GatedAccount } from './pin-gates';
import { withTransaction } from './transaction';
import { wakeQueuedPayouts } from './wake-payouts';

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
 * The call takes the old PIN to the provider, so the gate must let it pass: null where it does not, and nothing is written.
 */
export async function writePinChange(pool: Pool, change: PinChange): Promise<string | null> {
  return await withTransaction(pool, async (trx) => {
    const id = newId('pc');
    const gate = await passPinGate(trx, change.account, { fingerprint: change.oldFingerprint, callId: id, probeMs: 0 });
    if (gate !== 'proceed' && gate !== 'probe') return null;
    await trx.query(
      `insert into pin_changes (id, credential_id, new_pin_enc, new_fingerprint, requested_by) values ($1, $2, $3, $4, $5)`,
      [id, change.credentialId, change.newPinEnc, change.newFingerprint, change.personId],
    );
    await setPinGate(trx, change.account, { fingerprint: change.oldFingerprint, state: 'pin_unknown' });
    return id;
  });
}

/**
 * Writes what became of a PIN change. `changed`: the new PIN is saved, for this credential and every other of the same
 * account that had the old one is left to people; it must pass one call alone. `refused`: the old PIN is in force.
 * `wrong_pin`: the old PIN was refused. `unknown`: the gate stays closed as `pin_unknown`.
 */
export async function finishPinChange(
  pool: Pool,
  change: PinChange & { id: string },
  end: { outcome: 'changed' | 'refused' | 'wrong_pin' | 'unknown'; code: string | null },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
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
      await setPinGate(trx, change.account, { fingerprint: change.oldFingerprint, state: 'unproven' });
    }
    await insertOperatorEvent(trx, {
      personId: change.personId,
      action: 'change_pin',
      target: change.credentialId,
      detail: { outcome: end.outcome, code: end.code },
    });
    await wakeQueuedPayouts(trx, { reasons: ['credential_blocked'], credentialIds: [change.credentialId] });
  });
}
