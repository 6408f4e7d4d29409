import type { HttpAnswer } from '../http/http-request';
import { sendOnce } from '../http/send-once';
import { ProviderError } from '../provider';
import type { AccountOperations, ProviderAccount } from '../provider';
import type { OrangeClient } from './client';
import type { ResolvedOrangeOptions } from './options';
import { isDocumented, refusalOf } from './refusal';
import { readJson, transactionResponseSchema } from './schemas';
import { toStatus } from './transaction-status';

type ChangePinResult = Awaited<ReturnType<AccountOperations['changePin']>>;

/**
 * Changes the account's PIN, over a connection of its own like the money call, since a lost answer costs as much here.
 * What it throws (`unreachable`, `token`, `key`, `throttled`) says that the PIN was not changed.
 */
export async function changePin(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  account: ProviderAccount,
  token: string,
  pins: { encryptedPin: string; encryptedNewPin: string },
): Promise<ChangePinResult> {
  const request = client.prepare({
    method: 'PATCH',
    path: '/api/eWallet/v1/account',
    token,
    query: { msisdn: account.accountNumber, type: 'retailer' },
    body: { encryptedPinCode: pins.encryptedPin, encryptedNewPinCode: pins.encryptedNewPin },
  });
  const { headersMs, bodyMs, connectMs } = options.timeouts;
  const result = await sendOnce(request, {
    timeouts: options.timeouts,
    ca: options.ca,
    clearance: () => Promise.resolve('go'),
    sendBy: new Date(Date.now() + connectMs + headersMs + bodyMs),
  });
  if (!result.sent) throw new ProviderError('unreachable', `orange PIN change: ${result.reason}`);
  return result.answered ? readChange(result.answer) : { outcome: 'unknown', code: null };
}

function readChange(answer: HttpAnswer): ChangePinResult {
  // 204 is not in the specification, but a live client was written for it.
  if (answer.status === 204) return { outcome: 'changed', code: null };
  if (answer.status === 200) return readTransaction(answer);
  const refusal = refusalOf('PIN change', answer);
  if (answer.status === 401 || answer.status === 429 || refusal.kind === 'key') throw refusal;
  const { code } = refusal;
  if (code === null || answer.status >= 500 || !isDocumented(answer.status, code)) return { outcome: 'unknown', code };
  return { outcome: ['2011', '2012', '2013'].includes(code) ? 'wrong_pin' : 'refused', code };
}

function readTransaction(answer: HttpAnswer): ChangePinResult {
  const { data } = transactionResponseSchema.safeParse(readJson(answer.body));
  const status = toStatus(data?.status ?? '');
  if (status === 'success') return { outcome: 'changed', code: null };
  return { outcome: status === 'failed' ? 'refused' : 'unknown', code: null };
}
