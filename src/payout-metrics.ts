import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

import { OVERDUE_LATE_CHECKS } from './db/late-checks';
import { countOpenPayouts } from './db/operator/open-payouts';
import type { OpenPayouts } from './db/operator/open-payouts';
import type { Db } from './db/pool';

/** Milliseconds that the database may take for a gauge: who scrapes waits for 10 s, as a rule. */
const READ_LIMIT_MS = 2_000;

/**
 * Adds gauges that are read from the database when they are asked for: payouts by state, open questions, overdue late checks. While the
 * database does not answer they have no value, rather than an old one, and all other metrics are shown.
 */
export function collectPayoutMetrics(
  registry: Registry,
  db: Db,
  { logger, lateCheckOverdueMs }: { logger: Logger; lateCheckOverdueMs: number },
): void {
  function addGauge({
    name,
    help,
    label,
    sql,
    values = [],
  }: {
    name: string;
    help: string;
    label: string;
    sql: string;
    values?: readonly number[];
  }): void {
    // Of one statement node-postgres knows the limit, its types do not.
    const read = { text: sql, values: [...values], query_timeout: READ_LIMIT_MS };
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [],
        async collect() {
          try {
            const { rows } = await db.query<{ label: string; count: bigint }>(read);
            this.reset();
            for (const row of rows) this.set({ [label]: row.label }, Number(row.count));
          } catch (err) {
            this.reset();
            logger.warn({ err, metric: name }, 'a metric could not be read from the database');
          }
        },
      }),
    );
  }

  registerOpenPayouts(registry, db, logger);
  addGauge({
    name: 'cauri_credential_gates_closed',
    help: 'Provider accounts of which no payout is sent, by the state of their credential gate',
    label: 'state',
    sql: `select state as label, count(*) as count from pin_gates where state not in ('open', 'unproven') group by state`,
  });
  addGauge({
    name: 'cauri_operator_alerts_open',
    help: 'What the operator was told of and still stands, by kind',
    label: 'kind',
    sql: 'select kind as label, count(*) as count from operator_alerts where ended_at is null group by kind',
  });
  addGauge({
    name: 'cauri_review_items_open',
    help: 'Questions that wait for people, by kind',
    label: 'kind',
    sql: 'select kind as label, count(*) as count from review_items where closed_at is null group by kind',
  });
  addGauge({
    name: 'cauri_late_checks_overdue',
    help: 'Submissions whose search for a late or second payment is overdue, by provider',
    label: 'provider',
    sql: OVERDUE_LATE_CHECKS,
    values: [lateCheckOverdueMs],
  });
}

/** Read from indexes and counts of bulks, never from the table: payouts by state, by reason, and the age of the oldest. */
function registerOpenPayouts(registry: Registry, db: Db, logger: Logger): void {
  function addGauge(
    name: string,
    help: string,
    labelNames: readonly ('state' | 'reason')[],
    write: (gauge: Gauge<'state' | 'reason'>, open: OpenPayouts) => void,
  ): void {
    registry.registerMetric(
      new Gauge({
        ...{ name, help, labelNames, registers: [] },
        async collect() {
          this.reset();
          try {
            for (const open of await countOpenPayouts(db, READ_LIMIT_MS)) write(this, open);
          } catch (err) {
            logger.warn({ err, metric: name }, 'a metric could not be read from the database');
          }
        },
      }),
    );
  }

  addGauge('cauri_payouts', 'Payouts that are not final, by state', ['state'], (gauge, { state, count }) =>
    gauge.inc({ state }, count),
  );
  addGauge(
    'cauri_payouts_by_reason',
    'Payouts that are not final, by state and reason; line_of_bulk: carried by a bulk',
    ['state', 'reason'],
    (gauge, { state, reason, count }) => gauge.set({ state, reason }, count),
  );
  addGauge(
    'cauri_payouts_oldest_seconds',
    'Seconds since the oldest of them came to its state; of lines of bulks, since the bulk started',
    ['state', 'reason'],
    (gauge, { state, reason, since }) => {
      if (since) gauge.set({ state, reason }, Math.max(0, (Date.now() - since.getTime()) / 1_000));
    },
  );
}
