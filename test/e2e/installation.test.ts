import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { Client } from 'pg';

import { listMigrationNames, migrate } from '../../src/db/migrate';
import { eventually } from '../helpers/eventually';
import { createTestDatabase, query } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';
import { temporalAddress, uniqueName } from '../helpers/temporal-server';

const masterKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

describe('a process that was put together wrongly says so in one sentence', () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  let started: ProductProcess | undefined;

  beforeEach(async () => {
    database = await createTestDatabase();
    env = {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      TASK_QUEUE_PREFIX: uniqueName('installation'),
      MASTER_KEY: masterKey('k1'),
      ORANGE_SANDBOX_URL: 'http://127.0.0.1:9',
      ORANGE_LIVE_URL: 'http://127.0.0.2:9',
      ...{ API_PORT: '0', METRICS_PORT: '0', API_METRICS_PORT: '0', SHUTDOWN_GRACE_MS: '1000' },
    };
  });
  afterEach(async () => {
    await started?.kill();
    await database.close();
  });

  async function start(program: 'api' | 'worker', changes: Record<string, string> = {}): Promise<string> {
    started = startProduct(program, { ...env, ...changes });
    return `http://127.0.0.1:${await started.port()}`;
  }

  async function endOf(program: 'api' | 'worker', changes: Record<string, string> = {}): Promise<[number, string]> {
    started = startProduct(program, { ...env, ...changes });
    // Not `exit`: what it wrote last may come after it.
    await once(started.child, 'close');
    // The sentence stands on standard error beside the log on standard output, in either order.
    const sentences = started
      .log()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    return [started.child.exitCode!, sentences.at(-1)!];
  }

  async function readiness(url: string): Promise<{ status: number; checks: Record<string, boolean> }> {
    const response = await fetch(`${url}/readyz`);
    const { checks } = (await response.json()) as { checks: Record<string, boolean> };
    return { status: response.status, checks };
  }

  test.each(['api', 'worker'] as const)('%s: another master key under a known id', async (program) => {
    await start('api');
    await started!.kill();
    expect(await endOf(program, { MASTER_KEY: masterKey('k1') })).toEqual([
      1,
      'MASTER_KEY has another key under the id k1 than the one that this database was used with: set the right key, or give a new key an id of its own and put it first.',
    ]);
  });

  test('a new master key before the known one', async () => {
    await start('api');
    await started!.kill();
    const url = await start('api', { MASTER_KEY: `${masterKey('k2')},${env['MASTER_KEY']!}` });
    expect(await readiness(url)).toMatchObject({ status: 200, checks: { master_key: true } });
  });

  test.each(['api', 'worker'] as const)('%s: a database without a schema', async (program) => {
    await query(database.url, 'drop schema public cascade; create schema public');
    expect(await endOf(program)).toEqual([
      1,
      'The database has no schema of Cauri: run `npm run migrate`, or name another DATABASE_URL.',
    ]);
    // The documented order: migrate, then start.
    await migrate(database.url);
    expect(await readiness(await start('api'))).toMatchObject({ status: 200, checks: { schema: true } });
  });

  const newest = listMigrationNames().at(-1)!;
  const olden = `delete from schema_migrations where name = '${newest}'`;

  test.each(['api', 'worker'] as const)('%s: an older and a newer schema', async (program) => {
    await query(database.url, olden);
    expect(await endOf(program)).toEqual([
      1,
      `The database's schema is older than this program, it lacks ${newest}: run \`npm run migrate\` first.`,
    ]);
    await query(database.url, `insert into schema_migrations values ('${newest}', ''), ('9999_future.sql', '')`);
    expect(await endOf(program)).toEqual([
      1,
      "The database's schema is newer than this program, which does not know 9999_future.sql: start the version that migrated it.",
    ]);
  });

  test('a schema that becomes newer while the process runs: not ready, and one line in the log', async () => {
    const url = await start('api');
    expect((await readiness(url)).status).toBe(200);
    await query(database.url, "insert into schema_migrations values ('9999_future.sql', '')");
    expect(await readiness(url)).toMatchObject({ status: 503, checks: { database: true, schema: false } });
    expect((await readiness(url)).status).toBe(503);
    expect(started!.log().match(/not ready: The database's schema is newer/g)).toHaveLength(1);
  });

  describe('Temporal', () => {
    let connection: Connection;
    beforeAll(async () => {
      connection = await Connection.connect({ address: temporalAddress() });
    });
    afterAll(() => connection.close());

    test('a namespace without our search attributes', async () => {
      const namespace = uniqueName('bare');
      await connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs('1 day'),
      });
      const url = await start('api', { TEMPORAL_NAMESPACE: namespace });
      await eventually(
        'the namespace is known',
        async () => (await readiness(url)).checks['search_attributes'] === false,
      );
      await eventually('the sentence names all of them', () =>
        started!
          .log()
          .includes(
            `not ready: The Temporal namespace ${namespace} lacks the search attributes CauriMerchant, CauriEnvironment, CauriStatus, CauriMethod, CauriProvider: run \`npm run temporal-setup\`, or add them as Keyword.`,
          ),
      );
      expect((await readiness(url)).status).toBe(503);
    });

    test('a namespace that does not exist', async () => {
      expect(await endOf('worker', { TEMPORAL_NAMESPACE: 'nowhere' })).toEqual([
        1,
        'Temporal has no namespace nowhere: run `npm run temporal-setup`, or name another TEMPORAL_NAMESPACE.',
      ]);
    });
  });

  test('a key that wraps secrets and is not configured', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query("insert into merchants (id, name) values ('mer_1', 'one')");
    await client.query(
      "insert into data_keys (id, merchant_id, master_key_id, wrapped) values ('dk_1', 'mer_1', 'k0', '\\x00')",
    );
    await client.end();
    expect(await endOf('api')).toEqual([
      1,
      'MASTER_KEY lacks the key k0, under which this database holds secrets: add it after the newest key.',
    ]);
    // It was used before check values were stored: what it wraps shows that it is another one.
    expect((await endOf('api', { MASTER_KEY: masterKey('k0') }))[1]).toMatch(
      /^MASTER_KEY has another key under the id k0 /,
    );
  });
});
