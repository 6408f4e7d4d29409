import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { migrate } from '../../src/db/migrate';
import { createPool } from '../../src/db/pool';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { payoutRequest } from '../helpers/app';
import { query, startPostgres, withDatabase } from '../helpers/postgres';
import type { StartedPostgres } from '../helpers/postgres';
import { startProduct } from '../helpers/product';
import type { ProductProcess } from '../helpers/product';

/** Milliseconds within which every request is answered, also while PostgreSQL does not. */
const LIMIT_MS = 10_000;

describe('the API while PostgreSQL is frozen, not dead', () => {
  let postgres: StartedPostgres;
  let world: PayoutWorld;
  let api: ProductProcess;
  beforeAll(async () => {
    postgres = await startPostgres();
    await query(postgres.url, 'create database cauri');
    const databaseUrl = withDatabase(postgres.url, 'cauri');
    await migrate(databaseUrl);
    world = await createPayoutWorld({ databaseUrl });
    api = startProduct('api', world.env);
  });
  afterAll(async () => {
    await api.kill();
    await world.close();
    await postgres.close();
  });

  function signal(name: NodeJS.Signals): void {
    const backends = execFileSync('ps', ['-o', 'pid=', '--ppid', String(postgres.pid)], { encoding: 'utf8' });
    for (const pid of [postgres.pid, ...backends.trim().split(/\s+/).map(Number)]) process.kill(pid, name);
  }

  test('each request is answered with 503 in time, and the same request is accepted afterwards', async () => {
    const url = `http://127.0.0.1:${await api.port()}`;
    const pool = createPool({ databaseUrl: world.env['DATABASE_URL']!, size: 1, onIdleError: () => undefined });
    const subject = { kind: 'person', personId: 'per_shop' } as const;
    const { merchantId } = world;
    const { key } = await createApiKey(pool, { role: 'merchant', merchantId, environment: 'sandbox', subject });
    await pool.end();
    const send = async (idempotencyKey: string): Promise<number> => {
      const response = await fetch(`${url}/v1/payouts`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'idempotency-key': idempotencyKey,
        },
        body: JSON.stringify(payoutRequest()),
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await send(randomUUID())).toBe(202);
    const kept = randomUUID();
    signal('SIGSTOP');
    try {
      // The first ones wait on connections that are open, the later ones for those and for new ones.
      const first = [send(kept), send(randomUUID()), send(randomUUID())];
      expect(await Promise.all(first)).toEqual([503, 503, 503]);
      expect(await Promise.all([send(kept), send(randomUUID())])).toEqual([503, 503]);
    } finally {
      signal('SIGCONT');
    }
    expect(await send(kept)).toBe(202);
  });
});
