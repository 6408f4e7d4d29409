import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import { withTransaction } from '../../src/db/transaction';
import { seedMerchant } from '../helpers/app';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standBulk } from '../helpers/standing-bulk';
import { refusal } from '../helpers/standing-payout';

describe('a hold closes once', () => {
  let world: PayoutWorld;
  let pool: Pool;
  let merchantId: string;

  beforeAll(async () => {
    world = await createPayoutWorld();
    pool = createPool({ databaseUrl: world.databaseUrl, size: 4, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
    await pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, 'top-up')", [merchantId]);
  });
  afterAll(async () => {
    await pool.end();
    await world.close();
  });

  async function capture(id: string, cause: string): Promise<unknown> {
    const { rows } = await pool.query<{ booked: string }>('select capture_hold($1, $2) as booked', [id, cause]);
    return rows[0]?.booked;
  }

  async function bookedOf(id: string): Promise<Record<string, number>> {
    const { rows } = await pool.query<{ kind: string; count: number }>(
      'select kind, count(*)::int as count from ledger_entries where payout_id = $1 group by kind',
      [id],
    );
    return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
  }

  test('captured for two submissions it is captured for the first and the second goes to suspense', async () => {
    const id = await world.accept();
    await expect(capture(id, `${id}/one`)).resolves.toBe('captured');
    await expect(capture(id, `${id}/two`)).resolves.toBe('suspense');
    await expect(capture(id, `${id}/one`)).resolves.toBe('already_captured');
    expect(await bookedOf(id)).toEqual({ hold: 1, capture: 1, suspense_capture: 1 });
  });

  test('whatever code writes it', async () => {
    const id = await world.accept();
    await capture(id, `${id}/one`);
    const again = "update holds set closed_by = 'capture', closed_cause = 'sub_two' where payout_id = $1";
    expect(await refusal(pool.query(again, [id]))).toBe('CA002');
    expect(await refusal(pool.query('delete from holds where payout_id = $1', [id]))).toBe('CA001');
  });

  test('and one cause books once, whatever code books it', async () => {
    const id = await world.accept();
    await capture(id, `${id}/one`);
    const again = `insert into ledger_entries (kind, from_account, to_account, amount, payout_id, cause)
      select kind, from_account, to_account, amount, payout_id, cause from ledger_entries where payout_id = $1 and kind = 'capture'`;
    expect(await refusal(pool.query(again, [id]))).toBe('23505');
  });

  test('and an entry is never rewritten', async () => {
    const id = await world.accept();
    for (const sql of [
      'update ledger_entries set amount = 1 where payout_id = $1',
      'delete from ledger_entries where payout_id = $1',
    ]) {
      expect(await refusal(pool.query(sql, [id]))).toBe('CA001');
    }
  });

  test('and a balance changes by entries alone', async () => {
    await world.accept();
    const sql = 'update ledger_accounts set balance = balance + 1 where merchant_id = $1';
    expect(await refusal(pool.query(sql, [world.merchantId]))).toBe('CA001');
  });

  describe('an item’s part of its bulk’s hold', () => {
    async function stand(outcome: string): Promise<{ bulkId: string; ids: readonly string[] }> {
      const bulkId = await withTransaction(pool, (trx) =>
        standBulk(trx, { merchantId, lines: 2, state: 'processing', outcome }),
      );
      return { bulkId, ids: [`${bulkId}-1`, `${bulkId}-2`] };
    }

    const close = (bulkId: string, how: string, ids: readonly string[]): Promise<unknown> =>
      refusal(pool.query('select close_bulk_parts($1, $2, $3, $3)', [bulkId, how, ids]));

    test.each(['capture', 'release', 'hand_over'])('is closed once: %s', async (how) => {
      const { bulkId, ids } = await stand('rejected');
      expect(await close(bulkId, how, ids.slice(0, 1))).toBe('done');
      for (const again of ['capture', 'release', 'hand_over']) {
        expect([again, await close(bulkId, again, ids.slice(0, 1))]).toEqual([again, 'CA002']);
      }
      expect(await close(bulkId, how, ids.slice(1))).toBe('done');
    });

    test('is captured once for one submission, and goes to suspense for another', async () => {
      const { ids } = await stand('settled');
      const [id = ''] = ids;
      await expect(capture(id, `${id}/one`)).resolves.toBe('captured');
      await expect(capture(id, `${id}/one`)).resolves.toBe('already_captured');
      await expect(capture(id, `${id}/two`)).resolves.toBe('suspense');
    });

    test.each(['accepted', 'settled', 'unknown'])('is not released beside a submission that is %s', async (outcome) => {
      const { bulkId, ids } = await stand(outcome);
      expect(await close(bulkId, 'release', ids)).toBe('CA409');
      expect(await refusal(pool.query('select release_hold($1)', [ids[0]]))).toBe('CA409');
      const { rows } = await pool.query('select from bulk_parts where bulk_id = $1', [bulkId]);
      expect(rows).toEqual([]);
    });

    test('is closed by its own bulk alone', async () => {
      const [one, other] = [await stand('rejected'), await stand('rejected')];
      expect(await close(one.bulkId, 'release', other.ids)).toBe('CA409');
    });
  });
});
