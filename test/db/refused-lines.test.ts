import type { Pool } from 'pg';

import { readBulkRollUp } from '../../src/db/bulk-roll-up';
import { cancelWaitingLines } from '../../src/db/cancel-bulk-lines';
import { handOverLines } from '../../src/db/hand-over-lines';
import { lockPayouts } from '../../src/db/payout-rows';
import { createPool } from '../../src/db/pool';
import { recordLineAnswers } from '../../src/db/record-line-answers';
import type { OnRefused } from '../../src/db/refusals';
import { withTransaction } from '../../src/db/transaction';
import type { Outcome } from '../../src/domain/outcome';
import type { Payout } from '../../src/domain/payout';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';
import { standBulk } from '../helpers/standing-bulk';

/** More than two halves, and no power of two. */
const LINES = 11;

/** Paid by a transaction of its own. */
function paid(payoutId: string): Outcome {
  return { outcome: 'settled', providerReference: `MP-${payoutId}`, code: null, text: null };
}

/** What the product itself never leaves behind is written by SQL: only so do PostgreSQL's guards refuse a line. */
describe('a line that PostgreSQL refuses', () => {
  let database: TestDatabase;
  let pool: Pool;
  let merchantId: string;
  let refused: string[];
  const onRefused: OnRefused = (payoutId, error) =>
    refused.push(`${payoutId} ${String((error as { code?: string }).code)}`);

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
    await pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, 'top-up')", [merchantId]);
  });
  beforeEach(() => {
    refused = [];
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  async function stand(state: string, outcome: string): Promise<{ bulkId: string; ids: readonly string[] }> {
    const bulkId = await withTransaction(pool, (trx) => standBulk(trx, { merchantId, lines: LINES, state, outcome }));
    await pool.query('insert into bulk_counts values ($1, $2, $3::integer, $3 * 1000)', [bulkId, state, LINES]);
    return { bulkId, ids: Array.from({ length: LINES }, (_, index) => `${bulkId}-${index + 1}`) };
  }

  /** Makes a line's call one without an outcome, as no update could. */
  async function forget(id: string): Promise<void> {
    await withTransaction(pool, async (trx) => {
      await trx.query('set local session_replication_role = replica');
      await trx.query('update submissions set outcome = null, rejection = null where payout_id = $1', [id]);
    });
  }

  /** Closes a line's part behind the line's back. */
  async function capture(bulkId: string, id: string): Promise<void> {
    await pool.query("select close_bulk_parts($1, 'capture', $2, $3)", [bulkId, [id], ['by-sql']]);
  }

  async function answerAll(bulkId: string, ids: readonly string[]): Promise<ReadonlyMap<string, Payout>> {
    const lines = await withTransaction(pool, (trx) => lockPayouts(trx, ids));
    return await recordLineAnswers(pool, {
      bulkId,
      answers: lines.map((payout) => ({ payout, submissionId: `sub-${payout.id}`, outcome: paid(payout.id) })),
      batch: null,
      account: { provider: 'orange', environment: 'sandbox', accountNumber: '0' },
      pinFingerprint: Buffer.alloc(0),
      probe: false,
      backOff: { firstMs: 0, maxMs: 0 },
      watchMs: 0,
      onRefused,
    });
  }

  async function states(bulkId: string): Promise<Record<string, number>> {
    const counted = Object.entries(await readBulkRollUp(pool, bulkId)).map(([state, { lines }]) => [state, lines]);
    return Object.fromEntries(counted.filter(([, lines]) => lines !== 0)) as Record<string, number>;
  }

  async function questions(bulkId: string): Promise<readonly { id: string; kind: string; detail: string }[]> {
    const { rows } = await pool.query<{ id: string; kind: string; detail: string }>(
      `select payout.id, item.kind, item.detail from review_items item join payouts payout on payout.id = item.payout_id
       where payout.bulk_id = $1 and item.closed_at is null order by bulk_line`,
      [bulkId],
    );
    return rows;
  }

  test.each([0, 4, LINES - 1])(
    'to cancel (number %p) goes before people, and the others are cancelled',
    async (bad) => {
      const { bulkId, ids } = await stand('queued', 'rejected');
      const id = ids[bad]!;
      await pool.query("update bulks set state = 'stopping', version = version + 1 where id = $1", [bulkId]);
      await forget(id);
      await cancelWaitingLines(pool, { bulkId, onRefused });
      expect(await states(bulkId)).toEqual({ cancelled: LINES - 1, in_review: 1 });
      expect(await questions(bulkId)).toEqual([
        { id, kind: 'undo_refused', detail: expect.stringContaining('not proven unpaid') as string },
      ]);
      expect(refused).toEqual([`${id} CA409`]);
      const { rows } = await pool.query(
        "select payout_id from bulk_parts where bulk_id = $1 and closed_by = 'release'",
        [bulkId],
      );
      expect(rows).toHaveLength(LINES - 1);
      await cancelWaitingLines(pool, { bulkId, onRefused });
      expect(refused).toHaveLength(1);
    },
  );

  test('to capture goes before people with its answer kept, and the others are paid', async () => {
    const { bulkId, ids } = await stand('pending', 'accepted');
    const bad = [ids[2]!, ids[7]!];
    for (const id of bad) await capture(bulkId, id);
    const after = await answerAll(bulkId, ids);
    expect(bad.map((id) => after.get(id)?.state)).toEqual(['in_review', 'in_review']);
    expect(after.size).toBe(LINES);
    expect(await states(bulkId)).toEqual({ succeeded: LINES - 2, in_review: 2 });
    expect((await questions(bulkId)).map(({ id, kind }) => [id, kind])).toEqual(bad.map((id) => [id, 'undo_refused']));
    expect(refused).toEqual(bad.map((id) => `${id} CA002`));
    const { rows } = await pool.query<{ outcome: string }>(
      'select outcome from submissions where payout_id = any ($1)',
      [bad],
    );
    expect(rows).toEqual([{ outcome: 'settled' }, { outcome: 'settled' }]);
  });

  test('to hand over goes before people, and the others are handed over', async () => {
    const { bulkId, ids } = await stand('unknown', 'unknown');
    await capture(bulkId, ids[5]!);
    const gone = await handOverLines(pool, { bulkId, payoutIds: ids, most: LINES, onRefused });
    expect([...gone].sort()).toEqual([...ids].sort());
    expect(await states(bulkId)).toEqual({ unknown: LINES - 1, in_review: 1 });
    const { rows } = await pool.query("select id from payouts where bulk_id = $1 and owner = 'bulk/' || $1", [bulkId]);
    expect(rows).toEqual([{ id: ids[5] }]);
    expect(refused).toEqual([`${ids[5]} CA002`]);
  });

  test('and to freeze too: the question stands, it stays as it is, and the others are cancelled', async () => {
    const { bulkId, ids } = await stand('queued', 'rejected');
    await pool.query("update bulks set state = 'stopping', version = version + 1 where id = $1", [bulkId]);
    await pool.query(
      `create or replace function refuse_all() returns trigger language plpgsql as $$
       begin raise exception 'refused by the test' using errcode = 'CA003'; end $$;
       create trigger refuse_all before update on payouts for each row when (old.id = '${ids[3]}')
         execute function refuse_all()`,
    );
    await cancelWaitingLines(pool, { bulkId, onRefused });
    expect(await states(bulkId)).toEqual({ cancelled: LINES - 1, queued: 1 });
    expect(await questions(bulkId)).toMatchObject([{ id: ids[3], kind: 'undo_refused' }]);
    expect(refused).toEqual([`${ids[3]} CA003`, `${ids[3]} CA003`]);
  });

  test('since the hold of its whole bulk is closed: no line is asked about, and it is thrown', async () => {
    const { bulkId, ids } = await stand('pending', 'accepted');
    await pool.query(
      `update holds set closed_by = 'release', closed_cause = 'by-sql', closed_at = now() where owner = 'bulk/' || $1`,
      [bulkId],
    );
    await expect(answerAll(bulkId, ids)).rejects.toMatchObject({ code: 'CA002' });
    expect(await states(bulkId)).toEqual({ pending: LINES });
    expect(await questions(bulkId)).toEqual([]);
    expect(refused).toEqual([]);
  });
});
