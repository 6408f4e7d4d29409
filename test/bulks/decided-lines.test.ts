import { cancelWaitingLines } from '../../src/db/cancel-bulk-lines';
import { confirmDecision, proposeDecision } from '../../src/db/decisions';
import { lockPayout } from '../../src/db/payout-rows';
import { putInReview } from '../../src/db/put-in-review';
import { insertStop, liftStop } from '../../src/db/stops';
import { withTransaction } from '../../src/db/transaction';
import type { Payout } from '../../src/domain/payout';
import type { Resolution } from '../../src/domain/review';
import { eventually } from '../helpers/eventually';
import { neverRefused } from '../helpers/never-refused';
import { createBulkRunWorld } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

jest.setTimeout(200_000);

const MARGIN_MS = 500;

describe('people decide about a line that its bulk owns', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld({ bulks: { handOverMost: 0 } });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function decide(payoutId: string, resolution: Resolution): Promise<Payout> {
    const decisionId = await proposeDecision(world.pool, {
      ...{ payoutId, resolution, evidenceEnc: Buffer.from('sealed'), providerReference: null },
      ...{ keyId: 'key_per_one', marginMs: MARGIN_MS },
    });
    return await confirmDecision(world.pool, {
      ...{ decisionId, keyId: 'key_per_two', marginMs: MARGIN_MS, windowMs: 60_000, watchMs: 60_000 },
    });
  }

  async function idOf(line: BulkLine): Promise<string> {
    const { rows } = await world.pool.query<{ id: string }>('select id from payouts where reference = $1', [
      line.reference,
    ]);
    return rows[0]!.id;
  }

  /** A paused bulk of which the last line waits for people, unsent, and others wait for their turn. */
  async function pausedWithOneInReview(): Promise<{ bulkId: string; lines: readonly BulkLine[]; id: string }> {
    const lines = world.linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually('it runs', async () => (await world.readBulk(bulkId)).state === 'running');
    expect((await world.control(bulkId, 'pause')).status).toBe(200);
    const id = await idOf(lines.at(-1)!);
    await withTransaction(world.pool, async (trx) => {
      const payout = await lockPayout(trx, id);
      // One that its chunk has not come to yet is queued as the chunk would do it.
      if (payout.state === 'accepted') await trx.query(QUEUE, [id]);
      const queued = await lockPayout(trx, id);
      expect(queued).toMatchObject({ state: 'queued', owner: `bulk/${bulkId}` });
      await putInReview(trx, queued, { kind: 'no_progress', detail: null, reason: 'no_progress' });
    });
    return { bulkId, lines, id };
  }

  test('keep_looking after the bulk is completed: a run of its own finds it, and its part is captured once', async () => {
    const before = await world.balances();
    const lines = world.linesOf(['success', 'success', 'hidden_row']);
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'completed');
    const id = await idOf(lines[2]!);
    expect(await world.payout(id)).toMatchObject({ state: 'in_review', owner: `bulk/${bulkId}` });
    const decided = await decide(id, 'keep_looking');
    expect(decided).toMatchObject({ state: 'unknown', owner: `payout/${id}` });
    const [call] = await world.submissions(id);
    world.simulator.configure({ showReferences: [call!.id] });
    await world.untilState(id, 'succeeded');
    expect(await world.paidLines(lines)).toBe(3);
    expect(await world.credited(lines[2]!.recipient.msisdn)).toBe(BigInt(lines[2]!.amount));
    await world.expectPartsClosed(bulkId);
    const after = await world.balances();
    const sum = lines.reduce((total, { amount }) => total + BigInt(amount), 0n);
    expect((after['paid'] ?? 0n) - (before['paid'] ?? 0n)).toBe(sum);
    expect([after['held'], after['suspense']]).toEqual([before['held'], before['suspense']]);
    await world.expectRollUpTrue(bulkId);
  });

  test('send_again after the bulk was cancelled: it leaves, and nothing else does', async () => {
    const { bulkId, lines, id } = await pausedWithOneInReview();
    expect((await world.control(bulkId, 'cancel')).status).toBe(200);
    const bulk = await world.untilBulk(bulkId, 'cancelled');
    const sent = bulk.progress['succeeded']?.lines ?? 0;
    expect(bulk.progress['in_review']?.lines).toBe(1);
    expect(await world.credited(lines.at(-1)!.recipient.msisdn)).toBe(0n);
    expect(await decide(id, 'send_again')).toMatchObject({ state: 'queued', owner: `payout/${id}`, attempt: 2 });
    await world.untilState(id, 'succeeded');
    expect(await world.credited(lines.at(-1)!.recipient.msisdn)).toBe(BigInt(lines.at(-1)!.amount));
    expect(await world.paidLines(lines)).toBe(sent + 1);
    await world.expectPartsClosed(bulkId);
    await world.expectRollUpTrue(bulkId);
  });

  test('send_again before the bulk is cancelled: it waits for the paused bulk, and ends with it', async () => {
    const { bulkId, lines, id } = await pausedWithOneInReview();
    await decide(id, 'send_again');
    await eventually('it was held back', async () => (await world.payout(id)).reason === 'bulk_waits');
    expect((await world.control(bulkId, 'cancel')).status).toBe(200);
    const bulk = await world.untilBulk(bulkId, 'cancelled');
    expect(await world.payout(id)).toMatchObject({ state: 'cancelled' });
    expect(await world.credited(lines.at(-1)!.recipient.msisdn)).toBe(0n);
    expect(await world.paidLines(lines)).toBe(bulk.progress['succeeded']?.lines ?? 0);
    await world.expectPartsClosed(bulkId);
  });

  test('a line that is decided is not cancelled by the cancel that came before the decision', async () => {
    const { bulkId, id, lines } = await pausedWithOneInReview();
    const stop = { scope: 'payout', target: id, personId: 'per_one' } as const;
    await withTransaction(world.pool, (trx) => insertStop(trx, { ...stop, reason: 'test' }));
    expect((await world.control(bulkId, 'cancel')).status).toBe(200);
    await decide(id, 'send_again');
    await eventually('operations hold it', async () => (await world.payout(id)).reason === 'stopped_by_operations');
    await cancelWaitingLines(world.pool, { bulkId, onRefused: neverRefused });
    expect((await world.payout(id)).state).toBe('queued');
    await withTransaction(world.pool, (trx) => liftStop(trx, stop));
    await world.untilState(id, 'succeeded');
    await world.untilBulk(bulkId, 'cancelled');
    expect(await world.credited(lines.at(-1)!.recipient.msisdn)).toBe(BigInt(lines.at(-1)!.amount));
  });

  test('not_paid and cancel close its part with the bulk', async () => {
    const { bulkId, id } = await pausedWithOneInReview();
    expect(await decide(id, 'cancel')).toMatchObject({ state: 'cancelled', owner: `bulk/${bulkId}` });
    expect((await world.control(bulkId, 'cancel')).status).toBe(200);
    await world.untilBulk(bulkId, 'cancelled');
    await world.expectPartsClosed(bulkId);
    await world.expectRollUpTrue(bulkId);
  });
});

const QUEUE = `with begun as (
    update payouts set state = 'queued', reason = 'bulk_began', version = version + 1 where id = $1
    returning id, version, state, reason)
  insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
  select id, version, 'accepted', state, 'system', reason from begun`;
