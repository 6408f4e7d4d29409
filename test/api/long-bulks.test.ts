import { bulkWorld, csv, line } from './bulk-world';
import type { BulkWorld } from './bulk-world';

const MANY = 10_050;

describe('bulks of more lines than one statement takes', () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld({ REQUEST_TIMEOUT_MS: 120_000 });
  });
  afterAll(() => world.close());

  test('all of them are taken', async () => {
    const lines = Array.from({ length: MANY }, (_, index) => line({ msisdn: `77${1_000_000 + index}` }));
    const query = { declared_count: String(MANY), declared_total: String(MANY * 1_000) };
    const { status, body } = await world.send({ type: 'text/csv', body: csv(lines), query });
    expect([status, body]).toMatchObject([202, { lines: MANY }]);
    expect(await world.linesOf(body.id)).toBe(MANY);
    const cancelled = await world.post(`/v1/bulk-cash-ins/${body.id}/cancel`);
    expect([cancelled.status, cancelled.body.state]).toEqual([200, 'cancelled']);
    const { rows } = await world.pool.query(
      'select state, count(*)::int as lines from payouts where bulk_id = $1 group by state',
      [body.id],
    );
    expect(rows).toEqual([{ state: 'cancelled', lines: MANY }]);
  });

  test('each payment that comes again is named and left out', async () => {
    const lines = Array.from({ length: MANY + 1 }, () => line({ msisdn: '770000001' }));
    const query = {
      ...{ declared_count: String(MANY + 1), declared_total: String((MANY + 1) * 1_000) },
      on_invalid: 'skip',
    };
    const { status, body } = await world.send({ type: 'text/csv', body: csv(lines), query });
    expect([status, body]).toMatchObject([202, { lines: 1, skipped_lines: MANY }]);
    const { rows } = await world.pool.query(
      'select code, count(distinct line)::int as lines from bulk_errors where bulk_id = $1 group by code',
      [body.id],
    );
    expect(rows).toEqual([{ code: 'same_payment_in_bulk', lines: MANY }]);
  });
});
