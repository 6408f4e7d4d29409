import { z } from 'zod';

import type { Asker } from './asker';
import type { PlannedBulk } from './plan-bulks';

const bulk = z.looseObject({
  ...{ id: z.string(), state: z.string(), version: z.int(), content_sha256: z.string().nullable() },
});

const page = z.object({
  data: z.array(
    z.object({
      line: z.number(),
      payout: z.looseObject({ id: z.string(), reference: z.string(), state: z.string(), attempt: z.number() }),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export type ToldLine = z.infer<typeof page>['data'][number]['payout'];

export type BulkAct = 'pause' | 'resume' | 'cancel';

/** A merchant's own system that sends bulks, and a person beside it who approves them. */
export interface BulkMerchant {
  /** The id of the 202, whatever it takes; approved where it needs it. Throws where it is refused, or answered with two ids. */
  send(planned: PlannedBulk, customerOf: (recipient: string) => Readonly<Record<string, string>>): Promise<string>;
  /** False: its state does not allow it. */
  act(bulkId: string, act: BulkAct): Promise<boolean>;
  /** Has the failed lines of a completed bulk sent again, where there are any. False: it is not completed. */
  retryFailed(bulkId: string): Promise<boolean>;
  state(bulkId: string): Promise<string | null>;
  lines(bulkId: string): Promise<readonly ToldLine[]>;
}

/** Lines of one page, the most that the API gives. */
const PAGE = 100;

export function createBulkMerchant({ ask }: Asker, personKey: string): BulkMerchant {
  return {
    async send(planned, customerOf) {
      const order = {
        description: 'prove',
        notify: 'each',
        ...(planned.scheduledInMs === null
          ? {}
          : { scheduled_at: new Date(Date.now() + planned.scheduledInMs).toISOString() }),
        lines: planned.lines.map(({ key, amount, recipient }) => ({
          amount: String(amount),
          currency: 'XOF',
          method: 'orange_sn',
          reference: key,
          recipient: { msisdn: recipient },
          customer: customerOf(recipient),
        })),
      };
      const request = { body: order, idempotencyKey: planned.key };
      const { status, body } = await ask('POST', '/v1/bulk-cash-ins', request);
      if (status !== 202) throw new Error(`bulk ${planned.key} was answered ${status}: ${JSON.stringify(body)}`);
      const { id, state, content_sha256: hash } = bulk.parse(body);
      const repeated = await ask('POST', '/v1/bulk-cash-ins', request);
      if (repeated.status !== 202 || bulk.parse(repeated.body).id !== id) {
        throw new Error(`bulk ${planned.key} was answered with two ids, or refused when it was repeated`);
      }
      if (state === 'awaiting_approval') {
        const approved = await ask('POST', `/v1/bulk-cash-ins/${id}/approve`, {
          body: { content_hash: hash },
          key: personKey,
        });
        if (approved.status !== 200) throw new Error(`the approval of ${planned.key} was answered ${approved.status}`);
      }
      return id;
    },

    async act(bulkId, act) {
      const { status } = await ask('POST', `/v1/bulk-cash-ins/${bulkId}/${act}`);
      return status === 200;
    },

    async retryFailed(bulkId) {
      const { status, body } = await ask('GET', `/v1/bulk-cash-ins/${bulkId}`);
      if (status !== 200) return false;
      const { state, version } = bulk.parse(body);
      if (state !== 'completed') return false;
      await ask('POST', `/v1/bulk-cash-ins/${bulkId}/retry-failed`, { body: { expected_version: version } });
      return true;
    },

    async state(bulkId) {
      const { status, body } = await ask('GET', `/v1/bulk-cash-ins/${bulkId}`);
      return status === 404 ? null : bulk.parse(body).state;
    },

    async lines(bulkId) {
      const all: ToldLine[] = [];
      for (let cursor: string | null = '0'; cursor !== null;) {
        const { body } = await ask('GET', `/v1/bulk-cash-ins/${bulkId}/items?limit=${PAGE}&cursor=${cursor}`);
        const { data, next_cursor: next } = page.parse(body);
        all.push(...data.map(({ payout }) => payout));
        cursor = next;
      }
      return all;
    },
  };
}
