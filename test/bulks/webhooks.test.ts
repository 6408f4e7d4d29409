import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { pino } from 'pino';

import { createBulkNotices } from '../../src/activities/bulk-notices';
import { bulkWebhookWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld, PATIENCE_MS } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

jest.setTimeout(200_000);

interface Heard {
  type: string;
  data: { id: string; state: string; bulk_id?: string; progress?: Record<string, { lines: number }> };
}

/** A merchant's endpoint that may be away. */
interface Ear {
  url: string;
  heard: Heard[];
  requests: number;
  isAway: boolean;
  close(): void;
}

async function startEar(): Promise<Ear> {
  const ear: Ear = { url: '', heard: [], requests: 0, isAway: false, close: () => undefined };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      ear.requests += 1;
      if (!ear.isAway) ear.heard.push(JSON.parse(body) as Heard);
      response.writeHead(ear.isAway ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ear.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  ear.close = () => {
    server.close();
    server.closeAllConnections();
  };
  return ear;
}

describe('what a bulk tells', () => {
  let world: BulkRunWorld;
  let ear: Ear;
  beforeAll(async () => {
    world = await createBulkRunWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    ear = await startEar();
    await world.addEndpoint(ear.url);
  });
  afterEach(async () => {
    await world.pool.query('update webhook_endpoints set disabled_at = now()');
    ear.close();
  });

  async function lineIds(bulkId: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ id: string }>(
      'select id from payouts where bulk_id = $1 order by bulk_line',
      [bulkId],
    );
    return rows.map(({ id }) => id);
  }

  const lines = (count: number): BulkLine[] => world.linesOf(Array.from({ length: count }, () => 'success' as const));

  test('notify each: every line tells of each of its steps in order, and the bulk of its end', async () => {
    const bulkId = await world.sendBulk([...lines(40), ...world.linesOf(['customer_unknown', 'pending_success'])], {
      notify: 'each',
    });
    await world.untilBulk(bulkId, 'completed');
    await eventually('the end is told', () => ear.heard.some(({ type }) => type === 'bulk.completed'), PATIENCE_MS);
    const typesOf = (id: string): string[] => ear.heard.filter(({ data }) => data.id === id).map(({ type }) => type);
    const told = (await lineIds(bulkId)).map(typesOf);
    expect(told.slice(0, 40)).toEqual(Array.from({ length: 40 }, () => ['payout.processing', 'payout.succeeded']));
    expect(told[40]).toEqual(['payout.processing', 'payout.failed']);
    expect(told[41]).toEqual(['payout.processing', 'payout.succeeded']);
    const [end] = ear.heard.filter(({ type }) => type === 'bulk.completed');
    expect(end?.data).toMatchObject({
      id: bulkId,
      state: 'completed',
      progress: { succeeded: { lines: 41 }, failed: { lines: 1 } },
    });
  });

  test.each([
    ['summary', ['bulk.completed']],
    ['none', []],
  ] as const)('notify %s: %p', async (notify, types) => {
    const bulkId = await world.sendBulk(lines(3), { notify });
    await world.untilBulk(bulkId, 'completed');
    await eventually('what is due was told', async () => {
      const { rowCount } = await world.pool.query('select 1 from outbox where bulk_id = $1 and delivered_at is null', [
        bulkId,
      ]);
      return rowCount === 0;
    });
    expect(ear.heard.map(({ type }) => type)).toEqual(types);
  });

  test('an endpoint that was away is told by one workflow, and is not asked once for each line', async () => {
    ear.isAway = true;
    const bulkId = await world.sendBulk(lines(60), { notify: 'each' });
    await world.untilBulk(bulkId, 'completed');
    const asked = ear.requests;
    await world.pool.query("update outbox set sweep_after = now() - interval '1 second' where bulk_id = $1", [bulkId]);
    const [endpoint] = (
      await world.pool.query<{ id: string }>('select id from webhook_endpoints where disabled_at is null')
    ).rows;
    const handle = world.client.workflow.getHandle(bulkWebhookWorkflowId(bulkId, endpoint!.id));
    await eventually('the drain has tried', () => ear.requests > asked, PATIENCE_MS);
    expect(ear.requests - asked).toBeLessThanOrEqual(64);
    ear.isAway = false;
    await eventually('everything is told', () => ear.heard.length === 121, PATIENCE_MS);
    for (const id of await lineIds(bulkId)) {
      const types = ear.heard.filter(({ data }) => data.id === id).map(({ type }) => type);
      expect(types).toEqual(['payout.processing', 'payout.succeeded']);
    }
    await handle.result();
    expect((await handle.describe()).status.name).toBe('COMPLETED');
  });

  test('lines that tell more than one batch holds are all told in one go', async () => {
    const bulkId = await world.sendBulk(lines(300), {
      notify: 'each',
      scheduled_at: new Date(Date.now() + 600_000).toISOString(),
    });
    await world.control(bulkId, 'cancel');
    const notices = createBulkNotices({
      ...{ pool: world.pool, sealing: world.vault, logger: pino({ level: 'silent' }) },
      webhooks: { timeoutMs: 30_000, allowLoopback: true, retryForMs: 3_600_000 },
    });
    expect(await notices.tryLines(await lineIds(bulkId))).toEqual({ delivered: 300, failed: 0 });
    expect(ear.heard.filter(({ type }) => type === 'payout.cancelled')).toHaveLength(300);
  });

  test('cancelled before it starts, each line tells that it is cancelled, and so does the bulk', async () => {
    const bulkId = await world.sendBulk(lines(5), {
      notify: 'each',
      scheduled_at: new Date(Date.now() + 600_000).toISOString(),
    });
    await world.control(bulkId, 'cancel');
    await world.pool.query("update outbox set sweep_after = now() - interval '1 second' where bulk_id = $1", [bulkId]);
    await eventually('all is told', () => ear.heard.length === 6, PATIENCE_MS);
    const ids = await lineIds(bulkId);
    const cancelled = ear.heard.filter(({ type }) => type === 'payout.cancelled').map(({ data }) => data.id);
    expect([...cancelled].sort()).toEqual([...ids].sort());
    expect(ear.heard.filter(({ type }) => type === 'bulk.cancelled').map(({ data }) => data.id)).toEqual([bulkId]);
  });
});
