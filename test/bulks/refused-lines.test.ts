import { pino } from 'pino';

import { lockBulk } from '../../src/db/bulk-rows';
import { moveBulk } from '../../src/db/move-bulk';
import { insertStop } from '../../src/db/stops';
import { withTransaction } from '../../src/db/transaction';
import { eventually } from '../helpers/eventually';
import { insertSubmissionBySql } from '../helpers/standing-payout';
import { createBulkRunWorld } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

const LINES = 10;

/** What the product itself never leaves behind is written by SQL: only so do PostgreSQL's guards refuse a line. */
describe('one line that PostgreSQL refuses keeps no other one of its bulk', () => {
  let world: BulkRunWorld;
  const logged: string[] = [];

  beforeAll(async () => {
    const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
    world = await createBulkRunWorld({
      logger,
      settings: { settlementWindowMs: 60_000 },
      simulator: { settlementDelayMs: 4_000 },
      bulks: { handOverMost: 0 },
    });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function idOf(line: BulkLine): Promise<string> {
    const { rows } = await world.pool.query<{ id: string }>('select id from payouts where recipient_msisdn = $1', [
      line.recipient.msisdn,
    ]);
    return rows[0]!.id;
  }

  async function questions(bulkId: string): Promise<readonly unknown[]> {
    const { rows } = await world.pool.query<{ id: string; kind: string }>(
      `select payout.id, item.kind from review_items item join payouts payout on payout.id = item.payout_id
       where payout.bulk_id = $1 and item.closed_at is null`,
      [bulkId],
    );
    return rows;
  }

  function alarms(lines: readonly string[], bulkId: string): readonly { payoutId?: string; refusal?: string }[] {
    return lines
      .map((line) => JSON.parse(line) as { bulkId?: string; payoutId?: string; refusal?: string })
      .filter((line) => line.bulkId === bulkId && line.refusal !== undefined);
  }

  /** A bulk that operations hold, of which a call of one line was written behind its back. */
  async function heldWithOneBad(): Promise<{ bulkId: string; id: string }> {
    const stop = { scope: 'merchant', target: world.merchantId, personId: 'per_one' } as const;
    await withTransaction(world.pool, (trx) => insertStop(trx, { ...stop, reason: 'test' }));
    const lines = world.linesOf(Array.from({ length: LINES }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually('all wait', async () => (await world.readBulk(bulkId)).progress['queued']?.lines === LINES);
    const id = await idOf(lines[2]!);
    await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: 'unknown' });
    return { bulkId, id };
  }

  test('when they are paid: it goes before people with what the provider said', async () => {
    const lines = world.linesOf(Array.from({ length: LINES }, () => 'pending_success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually('all have left', async () => (await world.readBulk(bulkId)).progress['pending']?.lines === LINES);
    const id = await idOf(lines[4]!);
    await world.pool.query("select close_bulk_parts($1, 'capture', $2, $3)", [bulkId, [id], ['by-sql']]);

    const { progress } = await world.untilBulk(bulkId, 'completed');
    expect(progress).toMatchObject({ succeeded: { lines: LINES - 1 }, in_review: { lines: 1 } });
    expect(await questions(bulkId)).toEqual([{ id, kind: 'undo_refused' }]);
    expect(await world.submissions(id)).toMatchObject([{ outcome: 'settled', source: 'lookup' }]);
    expect(alarms(logged, bulkId)).toMatchObject([{ payoutId: id, refusal: 'hold_closed' }]);
    await world.expectRollUpTrue(bulkId);
    await world.expectPartsClosed(bulkId);
  });

  test('when the rest is cancelled by the API', async () => {
    const { bulkId, id } = await heldWithOneBad();
    expect((await world.control(bulkId, 'cancel')).status).toBe(200);
    expect(await world.payout(id)).toMatchObject({ state: 'in_review' });
    expect(alarms(world.app.logLines, bulkId)).toMatchObject([{ payoutId: id, refusal: 'unproven_submission' }]);

    const { progress } = await world.untilBulk(bulkId, 'cancelled');
    expect(progress).toMatchObject({ cancelled: { lines: LINES - 1 }, in_review: { lines: 1 } });
    expect(await questions(bulkId)).toEqual([{ id, kind: 'undo_refused' }]);
    expect(alarms(logged, bulkId)).toEqual([]);
    await world.expectRollUpTrue(bulkId);
  });

  test('when the rest is cancelled by the run of the bulk', async () => {
    const { bulkId, id } = await heldWithOneBad();
    await withTransaction(world.pool, async (trx) => {
      const bulk = await lockBulk(trx, bulkId);
      await moveBulk(trx, bulk, { to: 'stopping', actor: 'system', reason: 'cancelled_by_merchant' });
    });
    const { progress } = await world.untilBulk(bulkId, 'cancelled');
    expect(progress).toMatchObject({ cancelled: { lines: LINES - 1 }, in_review: { lines: 1 } });
    expect(await questions(bulkId)).toEqual([{ id, kind: 'undo_refused' }]);
    expect(alarms(logged, bulkId)).toMatchObject([{ payoutId: id, refusal: 'unproven_submission' }]);
    await world.expectRollUpTrue(bulkId);
  });
});
