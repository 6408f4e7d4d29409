import { z } from 'zod';

import type { Asker } from './asker';
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
  told(payoutId: string): Promise<ToldPayout | null>;
}

export function createMerchant({ ask }: Asker): Merchant {
  const read = async (payoutId: string): Promise<z.infer<typeof payout> | null> => {
    const answer = await ask('GET', `/v1/payouts/${payoutId}`);
    return answer.status === 404 ? null : payout.parse(answer.body);
  };

  return {
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
      const request = { body: order, idempotencyKey: planned.key };
      const { status, body } = await ask('POST', '/v1/payouts', request);
      if (status !== 202) throw new Error(`payout ${planned.key} was answered ${status}: ${JSON.stringify(body)}`);
      const { id } = payout.parse(body);
      const repeated = await ask('POST', '/v1/payouts', request);
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
      const body = { expected_attempt: found.attempt };
      const { status } = await ask('POST', `/v1/payouts/${payoutId}/retry`, { body });
      return status === 202;
    },

    async told(payoutId) {
      const found = await read(payoutId);
      if (found === null) return null;
      if (FINAL.includes(found.state)) return { state: found.state, attempt: found.attempt, sentAt: null };
      const { body } = await ask('GET', `/v1/payouts/${payoutId}/events`);
      const events = z.object({ data: z.array(event) }).parse(body).data;
      const sentAt = events.findLast(({ reason }) => reason === 'sending')?.at.getTime() ?? null;
      const history = events
        .map(({ to, reason, at }) => `${at.toISOString().slice(11, 23)} ${to} (${reason})`)
        .join(', ');
      return { state: found.state, attempt: found.attempt, sentAt, history };
    },
  };
}
