import { createHmac } from 'node:crypto';

import { payoutRequest } from '../merchant';
import { referenceOf } from './account';
import type { PlainHttp } from './plain-http';

/** Tells the merchant that a line is paid: signed as Standard Webhooks ask for, by what Node has built in. */
export function createNotify(
  http: PlainHttp,
  { url, secret }: { url: string; secret: string },
): (index: number, providerReference: string) => Promise<void> {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return async (index, providerReference) => {
    const { amount, msisdn } = payoutRequest(index);
    const id = referenceOf(index);
    const data = {
      id,
      object: 'payout',
      state: 'succeeded',
      amount: String(amount),
      currency: 'XOF',
      method: 'orange_sn',
      recipient: { msisdn },
      provider_reference: providerReference,
    };
    const body = JSON.stringify({ type: 'payout.succeeded', timestamp: new Date().toISOString(), data });
    const eventId = `evt_${id}`;
    const at = Math.floor(Date.now() / 1_000);
    const signature = createHmac('sha256', key).update(`${eventId}.${at}.${body}`).digest('base64');
    const headers = {
      'content-type': 'application/json',
      'webhook-id': eventId,
      'webhook-timestamp': String(at),
      'webhook-signature': `v1,${signature}`,
    };
    await http({ method: 'POST', url, headers, body });
  };
}
