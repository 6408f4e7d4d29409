import { insertOperatorEvent } from '../db/operator-actions';
import { RegistrationRefused, reserveRegistration, writeVerdict } from '../db/credential-registrations';
import { tellPinGate, wasPinRefused } from '../db/pin-gates';
import type { GatedAccount, PinEvidence } from '../db/pin-gates';
import type { ProviderId } from '../domain/methods';
import type { Provider, ProviderAccount, ProviderErrorKind } from '../providers/provider';
import { ProviderError } from '../providers/provider';
import { CommandError, NoRequestLeft } from './operator';
import type { OperatorContext } from './operator';
import { spendRequests } from './spend-requests';

/**
 * Makes the one call that shows whether a credential works: a token, a key, the retailer's balance with the PIN.
 * A refused PIN counts as a try at the provider; it is written down, and the same PIN is not tried again by us, also where
 * it is the one that the account's gate lets pass now. At most one that is refused in a day, over all merchants, and none of an account that another
 * merchant holds (`override`: the operator's reason for one more). A balance of null: the PIN is right, and the provider asks for a new one
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
    merchantId: string;
    override: string | null;
  },
): Promise<{ registrationId: string; balance: { amount: bigint; currency: string } | null }> {
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
  const { merchantId, override } = check;
  const { personId } = context;
  const registrationId = await orCommandError(() =>
    reserveRegistration(context.pool, { kind: 'check', account: gated, merchantId, personId, fingerprint, override }),
  );
  let isSent = false;
  try {
    const { token, encryptedPin } = await prepareCall(context, provider, account, pin);
    await spendRequests(context, gated, 1);
    isSent = true;
    return { registrationId, balance: await provider.account.fetchRetailerBalance(account, token, encryptedPin) };
  } catch (error) {
    if (error instanceof NoRequestLeft) await tellRefusal('no_request_left', null);
    if (error instanceof ProviderError && error.kind === 'secret_expired') return { registrationId, balance: null };
    const evidence = error instanceof ProviderError ? EVIDENCE[error.kind] : 'lost';
    await writeVerdict(context.pool, registrationId, isSent && evidence !== 'expired' ? evidence : 'silent');
    if (!(error instanceof ProviderError)) throw error;
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

/** A registration that is refused, as the command says it. */
export async function orCommandError<T>(register: () => Promise<T>): Promise<T> {
  try {
    return await register();
  } catch (error) {
    if (error instanceof RegistrationRefused) throw new CommandError(`nothing was saved: ${error.message}`);
    throw error;
  }
}

/** What a failed call shows of its PIN: it was looked at, it was not, or nobody knows. */
export const EVIDENCE: Readonly<Record<ProviderErrorKind, PinEvidence>> = {
  pin: 'wrong',
  secret_expired: 'expired',
  token: 'silent',
  key: 'silent',
  throttled: 'silent',
  refused: 'silent',
  unreachable: 'lost',
  unavailable: 'lost',
  malformed: 'lost',
};

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
