import { listBulksForOperator } from '../../db/operator/bulks';
import { listFailingWebhooks, listGates, listReviews, listStops } from '../../db/operator/lists';
import { countOpenPayouts } from '../../db/operator/open-payouts';
import { countOverdueLateChecks } from '../../db/operator/late-checks';
import { listOpenAlerts } from '../../db/operator-alerts';
import type { Db } from '../../db/pool';
import { findOpenRestore } from '../../db/restores';
import type { BulkState } from '../../domain/bulk-state';
import type { PayoutState } from '../../domain/payout-state';

/** One line of `ops status`: what an operator on call must see without asking further. */
export interface StatusLine {
  topic: string;
  /** False where nobody has to do anything. */
  attention: boolean;
  text: string;
  /** ISO 8601: since when, or of the oldest. */
  since: string | null;
  /** The command that shows more; null where there is none. */
  see: string | null;
}

/** Reads the lines of one topic; none where there is nothing to say. */
type Topic = (db: Db) => Promise<readonly StatusLine[]>;

/** What the screen shows, from top to bottom. A new topic is a function and its place in this list. */
export const STATUS_TOPICS: Readonly<Record<string, Topic>> = {
  restore: async (db) => {
    const restore = await findOpenRestore(db);
    return restore
      ? [line('restore', 'nothing is sent until the restore is reconciled', restore.startedAt, 'restores')]
      : [];
  },
  reviews: async (db) =>
    counted(await listReviews(db), (item) => wordOf(item, 'kind')).map(([kind, rows]) =>
      line('reviews', `${rows.length} ${kind}`, rows[0]?.['opened_at'], 'reviews'),
    ),
  gates: async (db) =>
    (await listGates(db)).map((gate) =>
      line(
        'gates',
        ['provider', 'environment', 'account_number', 'state', 'last_code'].map((name) => wordOf(gate, name)).join(' '),
        gate['updated_at'],
        'gates',
      ),
    ),
  stops: async (db) =>
    (await listStops(db)).map((stop) =>
      line(
        'stops',
        `${wordOf(stop, 'scope')} ${wordOf(stop, 'target')}: ${wordOf(stop, 'reason')}`,
        stop['stopped_at'],
        'stops',
      ),
    ),
  float: async (db) => [
    // Below what `ops float-alert` sets; what waits already is counted below.
    ...(await listOpenAlerts(db))
      .filter(({ kind, detail }) => kind === 'float.low' && 'below' in detail)
      .map(({ detail, raisedAt }) =>
        line(
          'float',
          ['merchant', 'environment', 'currency'].map((name) => wordOf(detail, name)).join(' ') +
            `: ${wordOf(detail, 'available')} was available, alert below ${wordOf(detail, 'below')}`,
          raisedAt,
          null,
        ),
      ),
    ...counted(await listBulksForOperator(db, { states: ['awaiting_float'], limit: 200 }), (bulk) =>
      wordOf(bulk, 'merchant_id'),
    ).map(([merchant, rows]) =>
      line(
        'float',
        `${rows.length} bulks of ${merchant} wait for a top-up`,
        rows[0]?.['updated_at'],
        'bulks --state awaiting_float',
      ),
    ),
    ...(await countOpenPayouts(db))
      .filter(({ reason }) => reason === 'provider_float_low')
      .map(({ count, since }) =>
        line('float', `${count} payouts wait for money at the provider`, since, 'payouts --reason provider_float_low'),
      ),
  ],
  'late checks': async (db) => {
    const { overdue, oldest } = await countOverdueLateChecks(db);
    return overdue === 0 ? [] : [line('late checks', `${overdue} are overdue`, oldest, null)];
  },
  webhooks: async (db) =>
    (await listFailingWebhooks(db)).map((endpoint) =>
      line(
        'webhooks',
        `${wordOf(endpoint, 'endpoint_id')} of ${wordOf(endpoint, 'merchant_id')}: ${wordOf(endpoint, 'events')} events are not delivered`,
        endpoint['oldest'],
        'webhooks',
      ),
    ),
  bulks: async (db) =>
    counted(await listBulksForOperator(db, { states: OPEN_BULK_STATES, limit: 1_000 }), ({ state }) =>
      String(state),
    ).map(([state, rows]) => ({
      ...line('bulks', `${rows.length} ${state}`, rows[0]?.['updated_at'], `bulks --state ${state}`),
      attention: false,
    })),
  payouts: async (db) =>
    (await countOpenPayouts(db)).map(({ state, reason, count, since }) => ({
      ...line('payouts', `${count} ${state} (${reason})`, since, `payouts --state ${state}`),
      attention: NEEDS_ATTENTION.includes(state),
    })),
};

const OPEN_BULK_STATES: readonly BulkState[] = [
  ...(['receiving', 'ready', 'awaiting_approval', 'scheduled', 'awaiting_float', 'running'] as const),
  ...(['paused', 'stopping'] as const),
];

const NEEDS_ATTENTION: readonly PayoutState[] = ['unknown', 'in_review'];

/** All lines; a topic that cannot be read is a line that says so. */
export async function readStatusLines(db: Db): Promise<readonly StatusLine[]> {
  const lines: StatusLine[] = [];
  for (const [topic, read] of Object.entries(STATUS_TOPICS)) {
    lines.push(...(await read(db).catch(() => [line(topic, 'could not be read; see the log of the API', null, null)])));
  }
  return lines;
}

function line(topic: string, text: string, since: unknown, see: string | null): StatusLine {
  return { topic, attention: true, text, since: since instanceof Date ? since.toISOString() : null, see };
}

/** Rows by a word of theirs, in their order. */
function counted<Row>(rows: readonly Row[], groupOf: (row: Row) => string): readonly [string, readonly Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  return [...groups];
}

function wordOf(row: Readonly<Record<string, unknown>>, name: string): string {
  const value = row[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
