import { randomUUID } from 'node:crypto';

import { findBulk } from '../../src/db/bulk-rows';
import { moveBulk } from '../../src/db/move-bulk';
import { startBulk } from '../../src/db/start-bulk';
import { openEventStream } from '../helpers/event-stream';
import { bulkWorld, csv, line } from './bulk-world';
import type { BulkWorld } from './bulk-world';

const LINES = 10;
const upload = (): { type: string; body: string; query: Record<string, string> } => ({
  type: 'text/csv',
  body: csv(Array.from({ length: LINES }, () => line({ amount: '1000' }))),
  query: { declared_count: `${LINES}`, declared_total: `${LINES * 1_000}` },
});

describe('how fast a bulk goes', () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld();
  });
  afterAll(() => world.close());

  test('a running one tells its rate and when it ends, one at rest neither', async () => {
    const { body: sent } = await world.send(upload());
    expect((await world.get(`/v1/bulk-cash-ins/${sent.id}`)).body).toMatchObject({ rate: null, estimated_end: null });
    const bulk = await findBulk(world.pool, sent.id);
    const running = await moveBulk(world.pool, bulk!, { to: 'running', actor: 'system', reason: 'held' });
    await world.pool.query("update bulk_samples set at = at - interval '2 minutes' where bulk_id = $1", [sent.id]);
    await world.pool.query(
      `update payouts set state = 'cancelled', version = version + 1 where bulk_id = $1 and bulk_line <= 4`,
      [sent.id],
    );
    const asked = Date.now();
    const { body } = (await world.get(`/v1/bulk-cash-ins/${sent.id}`)) as unknown as {
      body: { rate: number; estimated_end: string; progress: unknown };
    };
    // Four lines in the two minutes since it runs, a little more by now, and six to come.
    expect(body.progress).toMatchObject({ accepted: { lines: 6 }, cancelled: { lines: 4 } });
    expect(body.rate).toBeGreaterThan(1);
    expect(body.rate).toBeLessThanOrEqual(2);
    expect(Date.parse(body.estimated_end)).toBeGreaterThanOrEqual(asked + 3 * 60_000);
    await moveBulk(world.pool, running, { to: 'completed', actor: 'system', reason: 'all_lines_rest' });
    expect((await world.get(`/v1/bulk-cash-ins/${sent.id}`)).body).toMatchObject({ rate: null, estimated_end: null });
  });
});

describe('what a bulk lacks of the float', () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld();
  });
  afterAll(() => world.close());

  /** Minor units. */
  const topUp = (amount: number): Promise<unknown> =>
    world.pool.query("select top_up_float($1, 'sandbox', 'XOF', $2, $3)", [world.merchantId, amount, randomUUID()]);

  test('is told while it waits for it, and follows a top-up that is not enough', async () => {
    const { body: sent } = await world.send({
      type: 'text/csv',
      body: csv([line({ amount: '1000000' }), line({ amount: '500000' })]),
      query: { declared_count: '2', declared_total: '1500000' },
    });
    const { id } = sent;
    const missing = async (): Promise<unknown> => (await world.get(`/v1/bulk-cash-ins/${id}`)).body;
    expect(await missing()).toMatchObject({ state: 'ready', missing_amount: null });
    await startBulk(world.pool, id, { approvalForMs: 1_000 });
    expect(await missing()).toMatchObject({ state: 'awaiting_float', missing_amount: '500000' });
    const stream = await openEventStream(`${world.url}/v1/bulk-cash-ins/${id}/stream`, { key: world.key });
    await stream.until(1);
    await topUp(200_000);
    expect(await missing()).toMatchObject({ missing_amount: '300000' });
    const [first, second] = await stream.until(2);
    stream.leave();
    expect([first, second].map((told) => [told?.event, told?.data['missing_amount']])).toEqual([
      ['progress', '500000'],
      ['progress', '300000'],
    ]);
    await topUp(400_000);
    expect(await missing()).toMatchObject({ state: 'awaiting_float', missing_amount: '0' });
    await startBulk(world.pool, id, { approvalForMs: 1_000 });
    expect(await missing()).toMatchObject({ state: 'running', missing_amount: null });
  });
});

test.each([
  // Two requests for each line, of which one comes at once and four in each minute.
  ['lines', 285],
  // One call and one page of results.
  ['native', 15],
] as const)('a dry run says how long it takes at the least, by calls for %s', async (ORANGE_BULK, seconds) => {
  const world = await bulkWorld({ ORANGE_BULK, ORANGE_REQUESTS_PER_MINUTE: 5 });
  try {
    const { type, body, query } = upload();
    const { body: check } = await world.send({ type, body, query: { ...query, dry_run: 'true' } });
    expect(check).toMatchObject({ would_be_accepted: true, estimated_duration_seconds: seconds });
  } finally {
    await world.close();
  }
});
