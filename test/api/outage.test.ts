import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Pool } from 'pg';

import { migrate } from '../../src/db/migrate';
import { createPool } from '../../src/db/pool';
import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import { aroundStatements } from '../helpers/kill-pool';
import { startPostgres } from '../helpers/postgres';

async function countPayouts(pool: Pool): Promise<{ payouts: number; keys: number; holds: number }> {
  const { rows } = await pool.query<{ payouts: number; keys: number; holds: number }>(
    `select (select count(*) from payouts)::int as payouts, (select count(*) from idempotency_keys)::int as keys,
       (select count(*) from holds)::int as holds`,
  );
  return rows[0]!;
}

test('with the database stopped the answer is 503, and the same request goes through when it is back', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'cauri-outage-'));
  let postgres = await startPostgres({ directory });
  await migrate(postgres.url);
  const pool = createPool({ databaseUrl: postgres.url, size: 5, onIdleError: () => undefined });
  const app = await startTestApp({ pool });
  try {
    const merchant = await seedMerchant(pool);
    const request = { key: merchant.key, idempotencyKey: 'kept', body: payoutRequest() };
    expect((await app.request('POST', '/v1/payouts', { ...request, idempotencyKey: 'before' })).status).toBe(202);

    await postgres.close();
    for (const answer of [
      await app.request('POST', '/v1/payouts', request),
      await app.request('GET', '/v1/payouts', { key: merchant.key }),
      await app.request('POST', `/callbacks/orange/${'t'.repeat(32)}`, { raw: 'x' }),
    ]) {
      expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([503, 'unavailable', '5']);
    }
    expect(await app.deps.metrics.registry.metrics()).toContain('status="503"');

    postgres = await startPostgres({ directory, port: postgres.port });
    expect((await app.request('POST', '/v1/payouts', request)).status).toBe(202);
    expect(await countPayouts(pool)).toEqual({ payouts: 2, keys: 2, holds: 2 });
  } finally {
    await app.close();
    await pool.end();
    await postgres.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

test.each([
  ['stands', true],
  ['does not stand', false],
])('a commit whose answer is lost and that %s is settled by the same request', async (_name, isCommitted) => {
  const lossy = { isOn: false };
  const app = await startTestApp();
  const flaky = await startTestApp({ pool: losingCommits(app.pool, lossy, isCommitted) });
  try {
    const merchant = await seedMerchant(app.pool);
    const request = { key: merchant.key, idempotencyKey: randomUUID(), body: payoutRequest() };
    lossy.isOn = true;
    const lost = await flaky.request('POST', '/v1/payouts', request);
    expect([lost.status, lost.body.code]).toEqual([503, 'outcome_not_known']);
    expect(lost.body.detail).toContain('same Idempotency-Key');
    expect((await countPayouts(app.pool)).payouts).toBe(isCommitted ? 1 : 0);
    lossy.isOn = false;
    const again = await flaky.request('POST', '/v1/payouts', request);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, isCommitted ? 'true' : null]);
    expect(await countPayouts(app.pool)).toEqual({ payouts: 1, keys: 1, holds: 1 });
  } finally {
    await flaky.close();
    await app.close();
  }
});

/** A pool whose connections break while a payout is being accepted: after it was committed, or before. */
function losingCommits(pool: Pool, lossy: { isOn: boolean }, isCommitted: boolean): Pool {
  return aroundStatements(pool, async ({ sql }, run) => {
    if (!lossy.isOn || !sql.includes('insert into payouts')) return await run();
    if (isCommitted) await run();
    throw new Error('Connection terminated unexpectedly');
  });
}
