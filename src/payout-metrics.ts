import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

import type { Db } from './db/pool';
import { PAYOUT_STATE_NAMES } from './domain/payout-state';

/** Adds gauges that are read from the database when they are asked for: payouts by state, open questions, webhooks due. */
export function collectPayoutMetrics(registry: Registry, db: Db): void {
  const payouts = new Gauge({
    name: 'cauri_payouts',
    help: 'Payouts that are not final, by state',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const { rows } = await db.query<{ state: string; count: bigint }>(
        `select state, count(*) as count from payouts
         where state not in ('accepted', 'succeeded', 'failed', 'cancelled', 'returned') group by state`,
      );
      this.reset();
      for (const state of PAYOUT_STATE_NAMES) {
        const open = rows.find((row) => row.state === state);
        if (open) this.set({ state }, Number(open.count));
      }
    },
  });
  const questions = new Gauge({
    name: 'cauri_review_items_open',
    help: 'Questions that wait for people, by kind',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      const { rows } = await db.query<{ kind: string; count: bigint }>(
        'select kind, count(*) as count from review_items where closed_at is null group by kind',
      );
      this.reset();
      for (const { kind, count } of rows) this.set({ kind }, Number(count));
    },
  });
  payouts.set({ state: 'queued' }, 0);
  questions.reset();
}
