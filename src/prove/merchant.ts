import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { FINAL } from './judge';
import type { ToldPayout } from './judge';
import type { PlannedPayout } from './plan';

const payout = z.looseObject({ id: z.string(), state: z.string(), reason: z.string(), attempt: z.number() });
const event = z.looseObject({ to: z.string(), at: z.coerce.date(), reason: z.string() });

/** A merchant's own system: plain HTTP, repeats what was not answered under the same key, keeps its own list. */
export interface Merchant {
  /** The id of the 202, whatever it takes. Throws where the request is refused for good, or answered with two ids. */
  send(planned: PlannedPayout, customer: Readonly<Record<string, string>>): Promise<string>;
  cancel(payoutId: string): Promise<'cancelled' | 'refused'>;
  /** Retries the payout if it failed, once. */
  retry(payoutId: string): Promise<boolean>;
  state(payoutId: string): Promise<{ state: string; reason: string } | null>;
  told(payoutId: string): Promise<ToldPayout | null>;
  /** Answers that refused or failed, for the scan of secrets. */
  refusals: readonly string[];
  /** All other answers. */
  answers: readonly string[];
}

const PATIENCE_MS = 120_000;

export function createMerchant({ apiUrl, key }: { apiUrl: string; key: string }): Merchant {
  const refusals: string[] = [];
  const answers: string[] = [];

  /** Asks again while nobody answers or the answer is a 5xx or 429. */
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    idempotencyKey: string = randomUUID(),
  ): Promise<{ status: number; body: unknown }> {
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        const answer = await fetch(`${apiUrl}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            'idempotency-key': idempotencyKey,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(15_000),
        });
        const text = await answer.text();
        (answer.ok ? answers : refusals).push(text);
        if (answer.status < 500 && answer.status !== 429) return { status: answer.status, body: parseJson(text) };
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
      }
      if (Date.now() > giveUpAt) throw new Error(`${method} ${path} was not answered for ${PATIENCE_MS / 1_000} s`);
      await sleep(300);
    }
  }

  const read = async (payoutId: string): Promise<z.infer<typeof payout> | null> => {
    const answer = await ask('GET', `/v1/payouts/${payoutId}`);
    return answer.status === 404 ? null : payout.parse(answer.body);
  };

  return {
    refusals,
    answers,

    async send(planned, customer) {
      const order = {
        amount: String(planned.amount),
        currency: 'XOF',
        description: 'prove',
        method: 'orange_sn',
        recipient: { msisdn: planned.recipient },
        customer,
        ...(planned.scheduledInMs === null
          ? {}
          : { scheduled_at: new Date(Date.now() + planned.scheduledInMs).toISOString() }),
      };
      const { status, body } = await ask('POST', '/v1/payouts', order, planned.key);
      if (status !== 202) throw new Error(`payout ${planned.key} was answered ${status}: ${JSON.stringify(body)}`);
      const { id } = payout.parse(body);
      const repeated = await ask('POST', '/v1/payouts', order, planned.key);
      if (repeated.status !== 202 || payout.parse(repeated.body).id !== id) {
        throw new Error(`payout ${planned.key} was answered with two ids, or refused when it was repeated`);
      }
      return id;
    },

    async cancel(payoutId) {
      const { status } = await ask('POST', `/v1/payouts/${payoutId}/cancel`);
      return status === 200 ? 'cancelled' : 'refused';
    },

    async retry(payoutId) {
      const found = await read(payoutId);
      if (found?.state !== 'failed') return false;
      const { status } = await ask('POST', `/v1/payouts/${payoutId}/retry`, { expected_attempt: found.attempt });
      return status === 202;
    },

    state: read,

    async told(payoutId) {
      const found = await read(payoutId);
      if (found === null) return null;
      if (FINAL.includes(found.state)) return { state: found.state, attempt: found.attempt, sentAt: null };
      const { body } = await ask('GET', `/v1/payouts/${payoutId}/events`);
      const events = z.object({ data: z.array(event) }).parse(body).data;
      const sentAt = events.findLast(({ reason }) => reason === 'sending')?.at.getTime() ?? null;
      return { state: found.state, attempt: found.attempt, sentAt };
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
