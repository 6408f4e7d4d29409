import type { Outcome } from '../../domain/outcome';
import { sendOnce } from '../http/send-once';
import type { Clearance, PayoutOrder } from '../provider';
import type { OrangeClient } from './client';
import type { ResolvedOrangeOptions } from './options';
import { readSubmitAnswer } from './read-submit-answer';
import { spellRecipient } from './spell';

/**
 * The unit cash-in. Throws only before anything is connected, for an order that cannot be spelled, and what `clearance`
 * throws; in both cases nothing was sent.
 */
export async function submit(
  client: OrangeClient,
  options: ResolvedOrangeOptions,
  order: PayoutOrder,
  clearance: Clearance,
  sendBy: Date,
): Promise<Outcome> {
  const request = client.prepare({
    method: 'POST',
    path: '/api/eWallet/v1/cashins',
    token: order.token,
    body: cashin(order, options.receiveNotification),
  });
  const result = await sendOnce(request, { timeouts: options.timeouts, ca: options.ca, clearance, sendBy });
  if (!result.sent) return { outcome: 'not_sent', reason: result.reason, code: null, text: null };
  if (!result.answered) return { outcome: 'unknown', reason: result.reason, code: null, text: null };
  return readSubmitAnswer(result.answer, order.reference);
}

function cashin(order: PayoutOrder, receiveNotification: boolean): object {
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
