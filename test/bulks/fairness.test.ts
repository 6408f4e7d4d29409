import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { newId } from '../../src/db/ids';
import { bulkWebhookWorkflowId } from '../../src/workflows/contract';
import { addMerchant } from '../helpers/add-merchant';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld, PATIENCE_MS } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

jest.setTimeout(300_000);

/** As many chunks as a run learns of at once: all of them wait for a slot together. */
const CHUNKS = 100;
const CHUNK_SIZE = 4;

const SLOTS = 2;

const DRAINS = 20;

describe("merchants' bulks beside each other", () => {
  let world: BulkRunWorld;
  let otherMerchantId: string;
  let othersKey: string;
  const drains = createDrains();
  beforeAll(async () => {
    world = await createBulkRunWorld({ bulks: { chunkSize: CHUNK_SIZE, chunksAtOnce: CHUNKS } });
    const { merchantId } = await addMerchant(world, { index: 1, float: 100_000n });
    const subject = { kind: 'system', systemId: 'payroll', responsiblePersonId: 'per_shop' } as const;
    const key = await createApiKey(world.pool, { role: 'merchant', merchantId, environment: 'sandbox', subject });
    othersKey = key.key;
    otherMerchantId = merchantId;
    await world.startWorkers({ drainWebhooks: drains.drain }, 'all', SLOTS);
  });
  afterAll(() => world.close());

  const linesOf = (count: number): BulkLine[] => world.linesOf(Array.from({ length: count }, () => 'success' as const));

  async function sendOthers(lines: readonly BulkLine[]): Promise<string> {
    const request = { key: othersKey, idempotencyKey: randomUUID(), body: { lines } };
    const answer = await world.ask('POST', '/v1/bulk-cash-ins', request);
    if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
    return answer.body.id;
  }

  async function isCompleted(bulkId: string): Promise<boolean> {
    const { rowCount } = await world.pool.query("select 1 from bulks where id = $1 and state = 'completed'", [bulkId]);
    return rowCount === 1;
  }

  /** Lines of one bulk that were not final yet when the other one was completed. */
  async function openAtEndOf(bulkId: string, otherId: string): Promise<number> {
    const { rows } = await world.pool.query<{ open: number }>(
      `select count(*)::int as open from payouts join bulks other on other.id = $2
       where bulk_id = $1 and payouts.finished_at > other.finished_at`,
      [bulkId, otherId],
    );
    return rows[0]!.open;
  }

  test('with all slots taken by one, another that comes later is done long before it', async () => {
    const lines = linesOf(CHUNKS * CHUNK_SIZE);
    const bulkId = await world.sendBulk(lines);
    await eventually(
      'it is under way',
      async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > SLOTS * CHUNK_SIZE,
    );
    const otherId = await sendOthers(linesOf(SLOTS * CHUNK_SIZE));
    await eventually("the other merchant's is completed", () => isCompleted(otherId), PATIENCE_MS);
    await world.untilBulk(bulkId, 'completed');
    expect(await openAtEndOf(bulkId, otherId)).toBeGreaterThan(lines.length / 2);
    expect(await world.paidLines(lines)).toBe(lines.length);
  });

  test("with all slots taken by one's webhooks, those of another that come later have their turn", async () => {
    const waiting: string[] = [];
    for (let count = 0; count < DRAINS; count += 1) waiting.push(await startDrain(world.merchantId));
    const otherId = await startDrain(otherMerchantId);
    drains.letGo();
    await eventually('all have had theirs', () => drains.begun.length === DRAINS + 1);
    expect(drains.begun.indexOf(otherId)).toBeLessThan(DRAINS / 2);
  });

  /** Of a bulk that is at rest; returns its id once the engine has what is to be told of it. */
  async function startDrain(merchantId: string): Promise<string> {
    const bulkId = newId('bulk');
    await world.pool.query(
      `insert into bulks (id, merchant_id, environment, state, reason, created_by)
       values ($1, $2, 'sandbox', 'completed', 'test', 'test')`,
      [bulkId, merchantId],
    );
    await world.runs.startBulkWebhook(bulkId, 'we_test');
    const run = world.client.workflow.getHandle(bulkWebhookWorkflowId(bulkId, 'we_test'));
    await eventually(
      'its activity is scheduled',
      async () => ((await run.describe()).raw.pendingActivities ?? []).length === 1,
    );
    return bulkId;
  }
});

/** Deliveries that are held until they are let go; in the order in which they began. */
function createDrains() {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const begun: string[] = [];
  return {
    begun,
    letGo: () => letGo(),
    drain: async ({ bulkId }: { bulkId: string }) => {
      begun.push(bulkId);
      await gate;
      return { delivered: 0, failed: 0, open: 0 };
    },
  };
}
