import { KEPT_ERRORS } from '../../src/api/bulk-report';
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

  describe('of a file with more errors than are kept', () => {
    // Each line lacks five members.
    const body = '{}\n'.repeat(KEPT_ERRORS / 5 + 100);
    const declared = { declared_count: String(KEPT_ERRORS / 5 + 100), declared_total: '0' };
    const kept = async (bulkId: string): Promise<{ code: string; errors: number }[]> => {
      const { rows } = await world.pool.query<{ code: string; errors: number }>(
        `select case when line is null then code else 'of a line' end as code, count(*)::int as errors from bulk_errors
         where bulk_id = $1 group by 1 order by 1`,
        [bulkId],
      );
      return rows;
    };

    test('all are counted, the report ends with how many more there are', async () => {
      const answer = await world.send({ type: 'application/x-ndjson', body, query: declared });
      expect([answer.status, answer.body.error_count, answer.body.errors.length]).toEqual([
        422,
        KEPT_ERRORS + 500,
        100,
      ]);
      expect(await kept(answer.body.bulk_id)).toEqual([
        { code: 'more_errors', errors: 1 },
        { code: 'of a line', errors: KEPT_ERRORS },
      ]);
      const file = await world.get(`/v1/bulk-cash-ins/${answer.body.bulk_id}/errors.csv`);
      expect(file.text.trim().split('\n').at(-1)).toContain('500 more errors were found and are not kept');
    });

    test('no line of it is left out, since its result could not name each', async () => {
      const good = JSON.stringify({
        ...{ amount: '1000', currency: 'XOF', method: 'orange_sn', recipient: { msisdn: '771230099' } },
        customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
      });
      const query = {
        ...{ declared_count: String(KEPT_ERRORS / 5 + 101), declared_total: '1000' },
        on_invalid: 'skip',
      };
      const answer = await world.send({ type: 'application/x-ndjson', body: `${body}${good}`, query });
      expect(answer.status).toBe(422);
      expect(await kept(answer.body.bulk_id)).toEqual([
        { code: 'more_errors', errors: 1 },
        { code: 'of a line', errors: KEPT_ERRORS },
        { code: 'too_many_errors', errors: 1 },
      ]);
    });
  });
});
