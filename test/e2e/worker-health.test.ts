import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { migrate } from '../../src/db/migrate';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { query, startPostgres, withDatabase } from '../helpers/postgres';
import type { StartedPostgres } from '../helpers/postgres';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';
import { startTemporalServer } from '../helpers/temporal-server';
import type { StartedTemporalServer } from '../helpers/temporal-server';

/** Milliseconds within which a scrape or a probe is answered, whatever does not answer behind it; they give up at 10 s. */
const LIMIT_MS = 10_000;

describe('what a worker tells those who run it, on bad days', () => {
  let directory: string;
  let postgres: StartedPostgres;
  let temporal: StartedTemporalServer;
  let world: PayoutWorld;
  let worker: ProductProcess;
  let url: string;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'cauri-health-'));
    postgres = await startPostgres({ directory: path.join(directory, 'postgres') });
    await query(postgres.url, 'create database cauri');
    const databaseUrl = withDatabase(postgres.url, 'cauri');
    await migrate(databaseUrl);
    temporal = await startTemporalServer();
    world = await createPayoutWorld({ databaseUrl, temporal: temporal.address });
    // Nobody starts it: it stays queued.
    await world.accept();
    // What is under way when it is told to stop lasts until the test lets it end.
    worker = startProduct('worker', { ...world.env, SHUTDOWN_GRACE_MS: '20000', ORANGE_HEADERS_TIMEOUT_MS: '20000' });
    url = `http://127.0.0.1:${await worker.port()}`;
  });

  afterAll(async () => {
    await worker.kill();
    await world.close();
    await temporal.close();
    await postgres.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function ask(address: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${url}${address}`, { signal: AbortSignal.timeout(LIMIT_MS) });
    return { status: response.status, text: await response.text() };
  }

  test('a scrape while PostgreSQL answers late gives all that needs none', async () => {
    await untilGauges();
    const lock = await world.pool.connect();
    try {
      await lock.query('begin');
      await lock.query('lock table payouts');
      await expectNoGauges();
      await lock.query('rollback');
    } finally {
      lock.release();
    }
    await untilGauges();
  });

  test('a scrape while PostgreSQL is away gives all that needs none, and harms nothing', async () => {
    await untilGauges();
    const { port, directory: data } = postgres;
    await postgres.close();
    await expectNoGauges();
    await expectNoGauges();

    postgres = await startPostgres({ directory: data, port });
    await untilGauges();
  });

  async function untilGauges(): Promise<void> {
    const queued = 'cauri_payouts{state="queued"} 1';
    await eventually('the gauges are shown', async () => (await ask('/metrics')).text.includes(queued));
  }

  test('it is ready while PostgreSQL and Temporal answer, and says which of them does not', async () => {
    await untilReady({ database: true, temporal: true, pollers: true });

    process.kill(temporal.pid, 'SIGSTOP');
    try {
      await untilReady({ database: true, temporal: false, pollers: true });
    } finally {
      process.kill(temporal.pid, 'SIGCONT');
    }
    await untilReady({ database: true, temporal: true, pollers: true });

    const { port, directory: data } = postgres;
    await postgres.close();
    // A schema that nobody can read is none that fits.
    await untilReady({ database: false, temporal: true, schema: false, pollers: true });
    postgres = await startPostgres({ directory: data, port });
    await untilReady({ database: true, temporal: true, pollers: true });
  });

  test('it is not ready from the moment it is told to stop, while what is under way ends', async () => {
    world.simulator.hold({ point: 'after_move', count: 1 });
    await world.startRun(await world.accept());
    await eventually('the provider holds the cash-in', () =>
      Object.values(world.simulator.holds()).some(({ blocked }) => blocked.length > 0),
    );
    worker.child.kill('SIGTERM');
    await untilReady({ database: true, temporal: true, pollers: false });
    world.simulator.release();
  });

  async function untilReady(given: { database: boolean; temporal: boolean; schema?: boolean; pollers: boolean }) {
    const { database, temporal, schema = true, pollers } = given;
    const checks = { database, temporal, schema, master_key: true, search_attributes: true, pollers };
    const isReady = Object.values(checks).every(Boolean);
    const awaited = JSON.stringify({ status: isReady ? 'ok' : 'unavailable', checks });
    await eventually(awaited, async () => {
      const { status, text } = await ask('/readyz');
      return status === (isReady ? 200 : 503) && text === awaited;
    });
  }

  async function expectNoGauges(): Promise<void> {
    const { status, text } = await ask('/metrics');
    expect([status, text]).toEqual([200, expect.stringContaining('process_cpu_seconds_total ')]);
    expect(text).not.toMatch(/^cauri_payouts\{/m);
    expect(worker.child.exitCode).toBeNull();
  }
});
