import { findEarlierPayments } from '../../src/db/check-bulk-lines';
import type { Db } from '../../src/db/pool';
import { withTransaction } from '../../src/db/transaction';
import { seedMerchant, startTestApp } from '../helpers/app';
import type { TestApp } from '../helpers/app';

/** Enough that PostgreSQL, which believes the new tables to be nearly empty, would compare each with each. */
const LINES = 5_000;

describe('looking for what earlier bulks paid', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  test('does not compare each line with each, whatever the statistics say', async () => {
    const { id: merchantId } = await seedMerchant(app.pool);
    await app.pool.query(
      `insert into bulk_staging (bulk_id, line, payout_id, amount, currency, method, recipient_msisdn, customer_enc, metadata)
       select 'bulk_new', line, 'po_' || line, 1000, 'XOF', 'orange_sn', '+22177' || line, '', '{}'
       from generate_series(1, $1::int) as line`,
      [LINES],
    );
    const plans: string[] = [];
    await withTransaction(app.pool, async (trx) => {
      const explaining = {
        query: async (text: string, values?: unknown[]) => {
          if (!text.startsWith('select staged.line')) return await trx.query(text, values);
          plans.push(JSON.stringify((await trx.query(`explain (format json) ${text}`, values)).rows));
          return { rows: [] };
        },
      } as unknown as Db;
      await findEarlierPayments(
        explaining,
        { merchantId, environment: 'sandbox' },
        { bulkId: 'bulk_new', allowed: [], days: 7, after: 0 },
      );
    });
    expect(plans).toHaveLength(1);
    expect(plans[0]).not.toContain('Nested Loop');
  });
});
