import { insertPinRefusal, wasPinRefused } from '../db/pin-gates';
import type { GatedAccount } from '../db/pin-gates';
import type { Provider, ProviderAccount } from '../providers/provider';
import { ProviderError } from '../providers/provider';
import { CommandError } from './operator';
import type { OperatorContext } from './operator';

/**
 * Makes the one call that shows whether a credential works: a token, a key, the retailer's balance with the PIN.
 * A refused PIN counts as a try at the provider; it is written down, and the same PIN is not tried again by us.
 */
export async function checkCredential(
  context: OperatorContext,
  provider: Provider,
  check: { account: ProviderAccount; gated: GatedAccount; pin: string; fingerprint: Buffer },
): Promise<{ balance: bigint; currency: string }> {
  const { account, gated, pin, fingerprint } = check;
  if (await wasPinRefused(context.pool, gated, fingerprint)) {
    throw new CommandError('this PIN was refused for this account before: it is not tried again, nothing was saved');
  }
  try {
    const token = await provider.authenticate(account);
    const key = await provider.account.fetchEncryptionKey(account, token.value);
    const encryptedPin = provider.account.encryptPin(pin, key);
    const { amount, currency } = await provider.account.fetchRetailerBalance(account, token.value, encryptedPin);
    return { balance: amount, currency };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'pin') await insertPinRefusal(context.pool, gated, { fingerprint, code: error.code });
    throw new CommandError(
      `the provider refused it (${error.kind}${error.code === null ? '' : `, code ${error.code}`}): nothing was saved` +
        (error.kind === 'pin' ? '. This counted as one of its PIN tries' : ''),
    );
  }
}
