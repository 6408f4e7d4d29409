import type { Pool } from 'pg';

import { lockPayouts } from '../../src/db/payout-rows';
import { createPool } from '../../src/db/pool';
import { recordLineAnswers } from '../../src/db/record-line-answers';
import { withTransaction } from '../../src/db/transaction';
import type { Payout } from '../../src/domain/payout';
import { seedMerchant } from '../helpers/app';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';
import { standBulk } from '../helpers/standing-bulk';

describe('news of many lines at once', () => {
  let database: TestDatabase;
  let pool: Pool;
  let merchantId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
    await pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, 'top-up')", [merchantId]);
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  /** A bulk whose lines' answers were lost; the line numbers are part of the payouts' ids. */
  async function stand(lines: number): Promise<{ bulkId: string; ids: readonly string[] }> {
    const bulkId = await withTransaction(pool, (trx) =>
      standBulk(trx, { merchantId, lines, state: 'processing', outcome: 'accepted' }),
    );
    await pool.query("insert into bulk_counts values ($1, 'processing', $2::integer, $2 * 1000)", [bulkId, lines]);
    return { bulkId, ids: Array.from({ length: lines }, (_, index) => `${bulkId}-${index + 1}`) };
  }

  /** Tells of each line that it was paid by the transaction at its place. Their states afterwards. */
  async function pay(
    bulkId: string,
    ids: readonly string[],
    transactions: readonly string[],
  ): Promise<readonly string[]> {
    const lines = new Map((await withTransaction(pool, (trx) => lockPayouts(trx, ids))).map((line) => [line.id, line]));
    const answers = ids.map((id, index) => ({
      payout: lines.get(id) as Payout,
      submissionId: `sub-${id}`,
      outcome: { outcome: 'settled', providerReference: transactions[index] ?? null, code: null, text: null } as const,
    }));
    const after = await recordLineAnswers(pool, {
      ...{ bulkId, answers, batch: null, probe: false, watchMs: 0, backOff: { firstMs: 0, maxMs: 0 } },
      account: { provider: 'orange', environment: 'sandbox', accountNumber: '0' },
      pinFingerprint: Buffer.alloc(0),
      onRefused: (payoutId, error) => {
        throw new Error(`${payoutId} was refused: ${error.message}`);
      },
    });
    return ids.map((id) => after.get(id)?.state ?? '');
  }

  async function reviewsOf(bulkId: string): Promise<readonly string[]> {
    const { rows } = await pool.query<{ asked: string }>(
      `select bulk_line || ' ' || kind as asked from review_items join payouts on payouts.id = payout_id
       where bulk_id = $1 order by bulk_line`,
      [bulkId],
    );
    return rows.map(({ asked }) => asked);
  }

  test('of two lines that one transaction is told of the first is paid, and people are asked about the second', async () => {
    const { bulkId, ids } = await stand(4);
    const states = await pay(bulkId, ids, ['A1', 'A2', 'A1', 'A3']);
    expect(states).toEqual(['succeeded', 'succeeded', 'in_review', 'succeeded']);
    expect(await reviewsOf(bulkId)).toEqual(['3 mismatch']);
  });

  test('a line that is told to be paid by the transaction of an earlier one goes before people; the others are paid', async () => {
    const first = await stand(1);
    await pay(first.bulkId, first.ids, ['B1']);
    const { bulkId, ids } = await stand(3);
    expect(await pay(bulkId, ids, ['B2', 'B1', 'B3'])).toEqual(['succeeded', 'in_review', 'succeeded']);
    expect(await reviewsOf(bulkId)).toEqual(['2 mismatch']);
  });

  test('two bulks that are told of one transaction at once: one line is paid by it, and nothing is lost', async () => {
    const [one, other] = [await stand(3), await stand(3)];
    const states = await Promise.all([
      pay(one.bulkId, one.ids, ['C1', 'C2', 'C3']),
      pay(other.bulkId, other.ids, ['C4', 'C2', 'C5']),
    ]);
    expect(states.map((all) => [all[0], all[2]])).toEqual(Array(2).fill(['succeeded', 'succeeded']));
    expect(states.map((all) => all[1]).sort()).toEqual(['in_review', 'succeeded']);
  });
});
