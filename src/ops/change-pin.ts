import { finishPinChange, writePinChange } from '../db/pin-changes';
import { ProviderError } from '../providers/provider';
import { CommandError } from './operator';
import type { OperatorContext } from './operator';
import type { OpenedForOperator } from './provider';

/**
 * Changes the PIN of a credential's account at the provider. Written ahead of the call; an answer that is lost is probed
 * once with the new PIN, and what stays unknown then is for people: no automatic call leaves with either PIN.
 */
export async function changePin(context: OperatorContext, opened: OpenedForOperator, newPin: string): Promise<void> {
  if (newPin === '') throw new CommandError('the new PIN is read from standard input, and it is empty');
  const { pool, sealing, fingerprintPin } = context;
  const provider = context.providers[opened.provider];
  const { accountNumber } = opened.account;
  const token = await provider.authenticate(opened.account);
  const key = await provider.account.fetchEncryptionKey(opened.account, token.value);
  const pins = {
    encryptedPin: provider.account.encryptPin(opened.pin, key),
    encryptedNewPin: provider.account.encryptPin(newPin, key),
  };
  const change = {
    credentialId: opened.id,
    account: { provider: opened.provider, environment: opened.environment, accountNumber },
    newPinEnc: await sealing.seal(opened.merchantId, 'pin', newPin),
    newFingerprint: fingerprintPin(opened.provider, accountNumber, newPin),
    oldFingerprint: fingerprintPin(opened.provider, accountNumber, opened.pin),
    personId: context.personId,
  };
  const id = await writePinChange(pool, change);
  const answer = await provider.account.changePin(opened.account, token.value, pins);
  const end = answer.outcome === 'unknown' ? await probe() : answer;
  await finishPinChange(pool, { ...change, id }, end);
  context.print(SAID[end.outcome]);
  if (end.outcome !== 'changed')
    throw new CommandError(`the PIN was not changed${end.code === null ? '' : ` (code ${end.code})`}`);

  /** One call with the new PIN: if it passes, the change went through; anything else proves nothing. */
  async function probe(): Promise<{ outcome: 'changed' | 'unknown'; code: string | null }> {
    try {
      await provider.account.fetchRetailerBalance(opened.account, token.value, pins.encryptedNewPin);
      return { outcome: 'changed', code: null };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
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
