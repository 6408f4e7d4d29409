import type { Outcome } from '../../domain/outcome';
import type { HttpRequest } from '../http/http-request';
import type { SendOnceOptions, SendOnceResult } from '../http/send-once';
import type { Clearance, PayoutOrder } from '../provider';
import type { OrangeClient } from './client';
import type { ResolvedOrangeOptions } from './options';
import { readSubmitAnswer } from './read-submit-answer';
import { spellRecipient } from './spell';

/** Sends a request that moves money, over a connection of its own or a kept one. */
export type SendMoney = (
  request: HttpRequest,
  call: Pick<SendOnceOptions, 'clearance' | 'sendBy'>,
) => Promise<SendOnceResult>;

/**
 * The unit cash-in. Throws only before anything is connected, for an order that cannot be spelled, and what `clearance`
 * throws; in both cases nothing was sent.
 */
export async function submit(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  order: PayoutOrder,
  call: { clearance: Clearance; sendBy: Date; send: SendMoney },
): Promise<Outcome> {
  const request = client.prepare({
    method: 'POST',
    path: '/api/eWallet/v1/cashins',
    token: order.token,
    body: cashin(order, options.receiveNotification),
  });
  const result = await call.send(request, call);
  if (!result.sent) return { outcome: 'not_sent', reason: result.reason, code: null, text: null };
  if (!result.answered) return { outcome: 'unknown', reason: result.reason, code: null, text: null };
  return readSubmitAnswer(result.answer, order.reference);
}

/** One cash-in as the provider reads it, alone or as an item of a batch. */
export function cashin(order: Omit<PayoutOrder, 'token'>, receiveNotification: boolean): object {
  if (order.amount > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('the amount does not fit a JSON number');
  return {
    partner: {
      idType: order.account.idType,
      id: order.account.accountNumber,
      encryptedPinCode: order.encryptedPin,
      walletType: 'PRINCIPAL',
    },
    customer: { idType: 'MSISDN', id: spellRecipient(order.recipient), walletType: 'PRINCIPAL' },
    amount: { value: Number(order.amount), unit: order.currency },
    reference: order.reference,
    receiveNotification,
    requestDate: new Date().toISOString(),
  };
}
