import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Stack } from './stack';

/** A payout as a merchant would send it; its number has no meaning of its own in the simulator, so it succeeds. */
export const DEMO_PAYOUT = {
  amount: 5_000,
  currency: 'XOF',
  description: 'Demonstration',
  method: 'orange_sn',
  recipient: { msisdn: '771234567' },
  customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
};

const acceptedPayout = z.object({ id: z.string() });

const change = z.object({
  sequence: z.number(),
  from: z.string().nullable(),
  to: z.string(),
  at: z.coerce.date(),
  actor: z.string(),
  reason: z.string().nullable(),
  provider_code: z.string().nullable(),
});

/** A change of a payout's state, as the API tells it. */
export type PayoutChange = z.infer<typeof change>;

const webhookBody = z.object({ type: z.string(), data: z.looseObject({ id: z.string() }) });

const receivedWebhook = z.object({
  receivedAt: z.coerce.date(),
  id: z.string(),
  verified: z.boolean(),
  body: z.looseObject(webhookBody.shape).nullable(),
});

export type DemoWebhook = z.infer<typeof receivedWebhook>;

export interface DemoClient {
  /** @returns the id of the accepted payout. @throws Error with the answer when it is not accepted. */
  send: () => Promise<string>;
  changes: (payoutId: string) => Promise<PayoutChange[]>;
  /** The verified webhooks about a payout, the oldest first. */
  webhooks: (payoutId: string) => Promise<DemoWebhook[]>;
}

const TIMEOUT_MS = 10_000;

/** What a merchant's own system would do, by HTTP and with the sandbox merchant's key. */
export function createDemoClient({ apiUrl, receiverUrl, keys }: Stack): DemoClient {
  const headers = { authorization: `Bearer ${keys.merchantKey}`, 'content-type': 'application/json' };
  const get = async (url: string): Promise<unknown> => {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`GET ${url} was answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    send: async () => {
      const response = await fetch(`${apiUrl}/v1/payouts`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': randomUUID() },
        body: JSON.stringify(DEMO_PAYOUT),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status !== 202)
        throw new Error(`The payout was answered ${response.status}: ${await response.text()}`);
      return acceptedPayout.parse(await response.json()).id;
    },
    changes: async (payoutId) => {
      return z.object({ data: z.array(change) }).parse(await get(`${apiUrl}/v1/payouts/${payoutId}/events`)).data;
    },
    webhooks: async (payoutId) => {
      const all = z.array(receivedWebhook).parse(await get(`${receiverUrl}/received`));
      return all.filter(({ verified, body }) => verified && body?.data.id === payoutId);
    },
  };
}
