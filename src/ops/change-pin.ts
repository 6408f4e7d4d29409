import { setTimeout as sleep } from 'node:timers/promises';

import { insertOperatorEvent } from '../db/operator-actions';
import { CHANGE_PIN, finishPinChange, readCallsUnderWayMs, writePinChange } from '../db/pin-changes';
import { insertPinRefusal } from '../db/pin-gates';
import { ProviderError } from '../providers/provider';
import { prepareCall } from './check-credential';
import { CommandError } from './operator';
import type { OperatorContext } from './operator';
import type { OpenedForOperator } from './provider';
import { spendRequests } from './spend-requests';

/**
 * Changes the PIN of a credential's account at the provider. Written ahead of the call, which waits for those that left
 * with the old PIN; an answer that is lost is probed once with the new PIN, and what stays unknown then is for people: no
 * automatic call leaves with either PIN.
 */
export async function changePin(context: OperatorContext, opened: OpenedForOperator, newPin: string): Promise<void> {
  if (newPin === '') throw new CommandError('the new PIN is read from standard input, and it is empty');
  const { pool, sealing, fingerprintPin } = context;
  const provider = context.providers[opened.provider][opened.environment];
  const { accountNumber } = opened.account;
  const { token, encryptedPin, encrypt } = await prepareCall(context, provider, opened.account, opened.pin);
  // The probe's with the change's, and before the gate closes: neither may want for one then.
  await spendRequests(context, { provider: opened.provider, accountNumber }, 2);
  const pins = { encryptedPin, encryptedNewPin: encrypt(newPin) };
  const change = {
    credentialId: opened.id,
    account: { provider: opened.provider, environment: opened.environment, accountNumber },
    newPinEnc: await sealing.seal(opened.merchantId, 'pin', newPin),
    newFingerprint: fingerprintPin(opened.provider, accountNumber, newPin),
    oldFingerprint: fingerprintPin(opened.provider, accountNumber, opened.pin),
    personId: context.personId,
  };
  const written = await writePinChange(pool, change);
  if (written === null) {
    const detail = { outcome: 'gate_closed', code: null };
    await insertOperatorEvent(pool, { personId: context.personId, action: CHANGE_PIN, target: opened.id, detail });
    throw new CommandError('the gate of the present PIN is closed: `credential set` opens it');
  }
  await untilNoneIsUnderWay();
  const answer = await call();
  const end = answer.outcome === 'unknown' ? await probe() : answer;
  await finishPinChange(pool, { ...change, ...written }, end);
  context.print(SAID[end.outcome]);
  if (end.outcome !== 'changed')
    throw new CommandError(`the PIN was not changed${end.code === null ? '' : ` (code ${end.code})`}`);

  /** Calls that passed the gate before it closed are answered, or cannot leave any more. */
  async function untilNoneIsUnderWay(): Promise<void> {
    for (let told = false; ; told = true) {
      const ms = await readCallsUnderWayMs(pool, change.account, context.sendByMarginMs);
      if (ms === 0) return;
      if (!told) context.print('calls with the old PIN are under way: waiting for their end');
      await sleep(Math.min(ms, 100));
    }
  }

  /** What the call throws says that the PIN was not changed. */
  async function call(): ReturnType<typeof provider.account.changePin> {
    try {
      return await provider.account.changePin(opened.account, token, pins);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return { outcome: 'refused', code: error.code };
    }
  }

  /** One call with the new PIN: if it passes, the change went through; anything else proves nothing. */
  async function probe(): Promise<{ outcome: 'changed' | 'unknown'; code: string | null }> {
    try {
      await provider.account.fetchRetailerBalance(opened.account, token, pins.encryptedNewPin);
      return { outcome: 'changed', code: null };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.kind === 'pin') {
        await insertPinRefusal(pool, change.account, { fingerprint: change.newFingerprint, code: error.code });
      }
      return { outcome: 'unknown', code: error.code };
    }
  }
}

const SAID = {
  changed: 'changed: the new PIN is saved; it passes one call alone before others follow',
  refused: 'refused: the old PIN is still in force',
  wrong_pin: 'the provider refused the old PIN: the gate stays closed, set the credential anew',
  unknown:
    'unknown: the answer was lost and the new PIN was not accepted. No call leaves until `credential set` passes',
} as const;
