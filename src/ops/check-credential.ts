import { insertOperatorEvent } from '../db/operator-actions';
import { tellPinGate, wasPinRefused } from '../db/pin-gates';
import type { GatedAccount } from '../db/pin-gates';
import type { ProviderId } from '../domain/methods';
import type { Provider, ProviderAccount } from '../providers/provider';
import { ProviderError } from '../providers/provider';
import { CommandError, NoRequestLeft } from './operator';
import type { OperatorContext } from './operator';
import { spendRequests } from './spend-requests';

/**
 * Makes the one call that shows whether a credential works: a token, a key, the retailer's balance with the PIN.
 * A refused PIN counts as a try at the provider; it is written down, and the same PIN is not tried again by us, also where
 * it is the one that the account's gate lets pass now. A balance of null: the PIN is right, and the provider asks for a new one
 * before it does anything. `target`: what a refusal is written down of.
 */
export async function checkCredential(
  context: OperatorContext,
  provider: Provider,
  check: {
    account: ProviderAccount;
    gated: GatedAccount & { provider: ProviderId };
    pin: string;
    fingerprint: Buffer;
    target: string;
  },
): Promise<{ balance: bigint; currency: string } | null> {
  const { account, gated, pin, fingerprint, target } = check;
  const tellRefusal = (kind: string, code: string | null): Promise<void> =>
    insertOperatorEvent(context.pool, {
      personId: context.personId,
      action: 'credential_set_refused',
      target,
      detail: { kind, code },
    });
  if (await wasPinRefused(context.pool, gated, fingerprint)) {
    await tellRefusal('pin_refused_before', null);
    throw new CommandError('this PIN was refused for this account before: it is not tried again, nothing was saved');
  }
  try {
    const { token, encryptedPin } = await prepareCall(context, provider, account, pin);
    await spendRequests(context, gated, 1);
    const { amount, currency } = await provider.account.fetchRetailerBalance(account, token, encryptedPin);
    return { balance: amount, currency };
  } catch (error) {
    if (error instanceof NoRequestLeft) await tellRefusal('no_request_left', null);
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'secret_expired') return null;
    if (error.kind === 'pin') {
      await tellPinGate(context.pool, gated, { fingerprint, callId: 'check', evidence: 'wrong', code: error.code });
    }
    await tellRefusal(error.kind, error.code);
    throw new CommandError(
      `the provider refused it (${error.kind}${error.code === null ? '' : `, code ${error.code}`}): nothing was saved` +
        (error.kind === 'pin' ? '. This counted as one of its PIN tries' : ''),
    );
  }
}

/** What a PIN-bearing call needs before it: a token, and the PIN under the provider's present key. Throws like its calls. */
export async function prepareCall(
  context: OperatorContext,
  provider: Provider,
  account: ProviderAccount,
  pin: string,
): Promise<{ token: string; encryptedPin: string; encrypt: (other: string) => string }> {
  const budgeted = { provider: provider.id, accountNumber: account.accountNumber };
  await spendRequests(context, budgeted, 1);
  const token = await provider.authenticate(account);
  await spendRequests(context, budgeted, 1);
  const key = await provider.account.fetchEncryptionKey(account, token.value);
  const encrypt = (clear: string): string => provider.account.encryptPin(clear, key);
  return { token: token.value, encryptedPin: encrypt(pin), encrypt };
}
