import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';

import { listBulkItems } from '../../src/db/bulk-items';
import { searchPayouts } from '../../src/db/payout-search';
import type { PayoutFilter } from '../../src/db/payout-search';
import { createPool } from '../../src/db/pool';
import { collectPayoutMetrics } from '../../src/payout-metrics';
import { RARE_STATES } from '../../src/domain/payout-state';
import type { PayoutState } from '../../src/domain/payout-state';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';
import { rowsRead } from '../helpers/rows-read';

/** Paid payouts of the merchant, among which each search has a few to find. */
const PAID = 20_000;

/** Rows that a search of a few may read. */
const MOST_ROWS = 300;

describe('A search reads what it finds, however much else is stored', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;
  let tenant: { merchantId: string; environment: 'sandbox' };
  let bulk: { id: string; merchantId: string; environment: 'sandbox' };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 2, onIdleError: () => undefined });
    const { id: merchantId } = await seedMerchant(pool);
    tenant = { merchantId, environment: 'sandbox' };
    bulk = { id: 'bulk_old', ...tenant };
    await fill();
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  const search = async (filter: PayoutFilter): Promise<{ found: number; read: number }> => {
    let found = 0;
    const read = await rowsRead(pool, 'payouts', async (db) => {
      found = (await searchPayouts(db, tenant, { filter, after: null, limit: 51 })).length;
    });
    return { found, read };
  };

  test.each(RARE_STATES)('for the rare state %s', async (state) => {
    const { found, read } = await search({ status: [state] });
    expect(found).toBe(3);
    expect(read).toBeLessThanOrEqual(MOST_ROWS);
  });

  test.each<PayoutState>(['accepted', 'queued', 'processing', 'pending'])('for the open state %s', async (state) => {
    const { found, read } = await search({ status: [state] });
    // Three with runs of their own, one line of a bulk that is not at rest.
    expect(found).toBe(4);
    expect(read).toBeLessThanOrEqual(MOST_ROWS);
  });

  test('for several states at once', async () => {
    const { found, read } = await search({ status: ['unknown', 'in_review', 'queued', 'pending'] });
    expect(found).toBe(14);
    expect(read).toBeLessThanOrEqual(MOST_ROWS);
  });

  test.each([
    ['one amount', { amountMin: 777n, amountMax: 777n }],
    ['the largest amounts', { amountMin: 900_000n }],
    ['the smallest amounts', { amountMax: 800n }],
    ['an amount and a state', { amountMin: 777n, amountMax: 777n, status: ['succeeded'] as const }],
  ])('for %s', async (_what, filter) => {
    const { found, read } = await search(filter);
    expect(found).toBeGreaterThan(0);
    expect(read).toBeLessThanOrEqual(MOST_ROWS);
  });

  test('for lines of a bulk in a rare state', async () => {
    let found = 0;
    const read = await rowsRead(pool, 'payouts', async (db) => {
      found = (await listBulkItems(db, bulk, { filter: { status: ['failed'] }, after: 0, limit: 51 })).length;
    });
    expect(found).toBe(1);
    expect(read).toBeLessThanOrEqual(MOST_ROWS);
  });

  test('for the gauges of open payouts, which tell states, reasons and ages', async () => {
    const metrics = new Registry();
    let text = '';
    const read = await rowsRead(pool, 'payouts', async (db) => {
      collectPayoutMetrics(metrics, db, { logger: pino({ level: 'silent' }), lateCheckOverdueMs: 0 });
      text = await metrics.metrics();
    });
    expect(text).toMatch(/^cauri_payouts\{state="queued"\} 3$/m);
    expect(text).toMatch(/^cauri_payouts_by_reason\{state="in_review",reason="test"\} 3$/m);
    expect(text).toMatch(/^cauri_payouts_oldest_seconds\{state="unknown",reason="test"\} \d/m);
    expect(read).toBeLessThanOrEqual(3 * MOST_ROWS);
  });

  test('PostgreSQL indexes the states that the code calls rare', async () => {
    const { rows } = await pool.query<{ state: string }>(
      'select distinct state from payouts where rare_state is not null and state = rare_state',
    );
    expect(rows.map(({ state }) => state).sort()).toEqual([...RARE_STATES].sort());
  });

  /** Rows in all states, most of them paid lines of a bulk at rest; no trigger or foreign key looks at them. */
  async function fill(): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query('set local session_replication_role = replica');
      await client.query(
        `insert into bulks (id, merchant_id, environment, state, reason, currency, line_count, total, created_by)
         values ('bulk_old', $1, 'sandbox', 'completed', 'test', 'XOF', $2, 1, 'test'),
           ('bulk_open', $1, 'sandbox', 'running', 'test', 'XOF', 4, 1, 'test')`,
        [tenant.merchantId, PAID],
      );
      const insert = `insert into payouts (id, merchant_id, environment, owner, bulk_id, bulk_line, state, amount, currency, method,
          provider, credential_id, description, customer_enc, reason, sweep_after, created_by, accepted_at)`;
      await client.query(
        `${insert} select 'paid-' || n, $1, 'sandbox', 'bulk/bulk_old', 'bulk_old', n,
           case n when 7 then 'failed' else 'succeeded' end, case n % 4000 when 9 then 777 else 1000 + n % 50 end, 'XOF',
           'orange_sn', 'orange', 'cred', 'test', '\\x00', 'test', 'infinity', 'test', now() - n * interval '1 second'
         from generate_series(1, $2::integer) n`,
        [tenant.merchantId, PAID],
      );
      const own = [...RARE_STATES, 'accepted', 'queued', 'processing', 'pending'];
      await client.query(
        `${insert} select state || '-' || n, $1, 'sandbox', 'payout/x', null, null, state,
           case n when 1 then 950000 else 1000 end, 'XOF', 'orange_sn', 'orange', 'cred', 'test', '\\x00', 'test',
           case when state in ('failed', 'cancelled', 'returned') then 'infinity' else now() end::timestamptz, 'test',
           now() - interval '30 days'
         from unnest($2::text[]) state, generate_series(1, 3) n where state <> 'failed' or n < 3`,
        [tenant.merchantId, own],
      );
      await client.query(
        `${insert} select 'open-' || state, $1, 'sandbox', 'bulk/bulk_open', 'bulk_open', row_number() over (), state, 1000,
           'XOF', 'orange_sn', 'orange', 'cred', 'test', '\\x00', 'test', 'infinity', 'test', now()
         from unnest(array['accepted', 'queued', 'processing', 'pending']) state`,
        [tenant.merchantId],
      );
      await client.query('commit');
    } finally {
      client.release();
    }
    await pool.query('analyze payouts');
  }
});
