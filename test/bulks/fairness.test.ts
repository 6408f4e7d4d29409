import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { addMerchant } from '../helpers/add-merchant';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld, PATIENCE_MS } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

jest.setTimeout(300_000);

/** As many chunks as a run learns of at once: all of them wait for a slot together. */
const CHUNKS = 100;
const CHUNK_SIZE = 4;

const SLOTS = 2;

describe("merchants' bulks beside each other", () => {
  let world: BulkRunWorld;
  let othersKey: string;
  beforeAll(async () => {
    world = await createBulkRunWorld({ bulks: { chunkSize: CHUNK_SIZE, chunksAtOnce: CHUNKS } });
    const { merchantId } = await addMerchant(world, { index: 1, float: 100_000n });
    const subject = { kind: 'system', systemId: 'payroll' } as const;
    const key = await createApiKey(world.pool, { role: 'merchant', merchantId, environment: 'sandbox', subject });
    othersKey = key.key;
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
    await world.startWorkers({}, 'all', SLOTS);
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
});
