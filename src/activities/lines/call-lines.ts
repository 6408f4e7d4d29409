import type { Logger } from 'pino';

import { callOf } from '../../db/line-intents';
import type { Outcome } from '../../domain/outcome';
import type { Payout } from '../../domain/payout';
import type { PayoutOrder, Provider } from '../../providers/provider';

/** What the calls of one moment share. */
export interface CallWith extends Pick<PayoutOrder, 'account' | 'token'> {
  provider: Provider;
  sendBy: Date;
  logger: Logger;
}

/** One call for each line, all at once, over connections that they share. Their outcomes in the order of the lines. */
export async function callLines(
  lines: readonly Payout[],
  encryptedPin: string,
  { provider, account, token, sendBy, logger }: CallWith,
): Promise<readonly Outcome[]> {
  const call = async (payout: Payout): Promise<Outcome> => {
    try {
      const order = { ...orderOf(payout), account, token, encryptedPin };
      return await provider.submit(order, () => Promise.resolve('go'), sendBy, 'shared');
    } catch (err) {
      // The port throws only before anything is connected.
      logger.error({ err, payoutId: payout.id }, 'a line cannot be sent');
      return { outcome: 'not_sent', reason: 'cannot_be_sent', code: null, text: null };
    }
  };
  return await Promise.all(lines.map(call));
}

/** What is owed to whom, under the reference of the line's present attempt. */
export function orderOf(payout: Payout): Pick<PayoutOrder, 'reference' | 'amount' | 'currency' | 'recipient'> {
  return {
    reference: callOf(payout),
    amount: payout.amount,
    currency: payout.currency,
    recipient: payout.recipient.msisdn ?? '',
  };
}
