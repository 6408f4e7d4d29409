import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { raiseAlerts } from '../db/operator-alerts';
import type { OperatorAlertKind, OperatorCondition } from '../domain/operator-alert';

export interface OperatorAlertsDeps {
  pool: Pool;
  logger: Logger;
  /** Conditions that PostgreSQL alone does not tell, such as what is overdue by configuration. */
  readOthers: () => Promise<readonly OperatorCondition[]>;
  everyMs: number;
}

export interface OperatorAlerts {
  /** One look at everything that the operator must hear of. */
  round(): Promise<void>;
  close(): Promise<void>;
}

/** The log's line for each kind, with what to do. */
const SAID: Readonly<Record<OperatorAlertKind, string>> = {
  'credential_gate.blocked':
    'a credential gate is closed, no payout of this account is sent: see "A PIN is blocked" in the runbook',
  'review.opened': 'a review was opened: `npm run ops -- reviews` shows it',
  'float.low': 'a float is low, payouts wait or will: top it up',
  'late_checks.overdue': 'late checks are overdue, a late or second payment is not seen',
  'restore.opened': 'a restore was opened, nothing is sent until it is reconciled',
};

/** Tells the operator of each lasting condition once: an error in the log, and an event to its own endpoints. */
export function createOperatorAlerts({ pool, logger, readOthers, everyMs }: OperatorAlertsDeps): OperatorAlerts {
  const stop = new AbortController();

  async function round(): Promise<void> {
    for (const { id, kind, detail } of await raiseAlerts(pool, await readOthers())) {
      logger.error({ alert: id, kind, detail }, SAID[kind]);
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await round().catch((err: unknown) => logger.warn({ err }, 'alerts could not be raised; the next round does'));
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    round,
    async close() {
      stop.abort();
      await running;
    },
  };
}
