import { forgetOldReport } from '../../src/db/bulk-errors';
import { bulkWorld, csv, line } from './bulk-world';
import type { BulkWorld } from './bulk-world';

/** More than two pages of the result. */
const MANY = 2_500;

const HEADER =
  'line,id,state,reason,amount,currency,recipient,reference,provider_reference,provider_code,provider_text';

describe("a bulk's result", () => {
  let world: BulkWorld;
  beforeAll(async () => {
    world = await bulkWorld({ REQUEST_TIMEOUT_MS: 120_000 });
  });
  afterAll(() => world.close());

  /** To a recipient that nobody else pays. */
  let used = 0;
  const good = (changes: Record<string, string> = {}): Record<string, string> => {
    used += 1;
    return line({ msisdn: `77${1_000_000 + used}`, ...changes });
  };
  const bad = (changes: Record<string, string> = {}): Record<string, string> => good({ amount: '0', ...changes });

  async function take(lines: readonly Record<string, string>[]): Promise<string> {
    const total = lines.reduce((sum, { amount }) => sum + Number(amount), 0);
    const query = { declared_count: String(lines.length), declared_total: String(total), on_invalid: 'skip' };
    const { status, body } = await world.send({ type: 'text/csv', body: csv(lines), query });
    if (status !== 202) throw new Error(`not accepted: ${status} ${JSON.stringify(body)}`);
    return body.id;
  }

  async function result(bulkId: string): Promise<readonly string[]> {
    const { text } = await world.get(`/v1/bulk-cash-ins/${bulkId}/result.csv`);
    const [header, ...rows] = text.split('\r\n');
    expect([header, rows.pop()]).toEqual([HEADER, '']);
    return rows;
  }

  /** The row of a line that was taken and did not start. */
  async function waitingRow(bulkId: string, number: number, given: Record<string, string>): Promise<string> {
    const { body } = await world.get(`/v1/bulk-cash-ins/${bulkId}/items`);
    const id = body.data.find((item) => item.line === number)?.payout.id;
    const { amount, msisdn, reference } = given;
    return `${number},${id},accepted,accepted_in_bulk,${amount},XOF,'+221${msisdn},${reference},,,`;
  }

  test('names each line that was left out at its place, with its row, what is wrong with it, and what it says, a number masked', async () => {
    const one = good();
    const other = good({ reference: 'other' });
    const left = bad({ reference: 'left' });
    const bulkId = await take([
      good({ msisdn: '999000111', email: 'secret-address', reference: 'first' }),
      one,
      left,
      other,
      good({ reference: other.reference! }),
    ]);
    const rows = await result(bulkId);
    expect(rows).toEqual([
      expect.stringMatching(
        /^1,,skipped,not_valid,,,,first,,,"row 2, email: give [^;(]*; msisdn: give [^;]* \(it says \*{7}11\)"$/,
      ),
      await waitingRow(bulkId, 2, one),
      '3,,skipped,not_valid,,,,left,,,"row 4, amount: give an amount above 0 (it says 0)"',
      await waitingRow(bulkId, 4, other),
      '5,,skipped,reference_twice,,,,other,,,"row 6, reference: line 4 has the same reference: give each line its own (it says other)"',
    ]);
    expect(rows.join()).not.toMatch(/999000111|secret-/);
  });

  test('has every line once, in the order of the input, wherever a page ends', async () => {
    const isBad = (number: number): boolean =>
      [1, 500, 1_000, 1_001, MANY].includes(number) || (number > 1_100 && number <= 2_200);
    const numbers = Array.from({ length: MANY }, (_, index) => index + 1);
    const bulkId = await take(numbers.map((number) => (isBad(number) ? bad() : good())));
    const cells = (await result(bulkId)).map((row) => row.split(',').slice(0, 3));
    expect(cells).toEqual(
      numbers.map((number): readonly unknown[] =>
        isBad(number) ? [String(number), '', 'skipped'] : [String(number), expect.stringMatching(/^po_/), 'accepted'],
      ),
    );
    const { body } = await world.get(`/v1/bulk-cash-ins/${bulkId}`);
    const skipped = numbers.filter(isBad).length;
    expect(body).toMatchObject({ lines: MANY - skipped, skipped_lines: skipped });
  });

  test('without lines that were left out is that of the lines that were taken', async () => {
    const lines = [good(), good()];
    const bulkId = await take(lines);
    const rows = lines.map((given, index) => waitingRow(bulkId, index + 1, given));
    expect(await result(bulkId)).toEqual(await Promise.all(rows));
  });

  test('lets no spreadsheet run what a line brought, whether it was taken or left out', async () => {
    const formula = '=HYPERLINK("x")';
    const bulkId = await take([
      bad({ reference: '=1+1', description: '=1+1', currency: '=1+1' }),
      good({ reference: '=1+1' }),
    ]);
    // No error of ours begins so; one that did were still no formula.
    await world.pool.query('update bulk_errors set field = $2, sheet_row = null where bulk_id = $1', [bulkId, formula]);
    const [left, taken] = await result(bulkId);
    expect(left).toMatch(/^1,,skipped,not_valid,,,,'=1\+1,,,"'=HYPERLINK\(""x""\): /);
    expect(taken).toMatch(/,'=1\+1,,,$/);
  });

  test('is the same when reports of refused bulks are long gone', async () => {
    const bulkId = await take([good(), bad()]);
    const before = await result(bulkId);
    await world.post(`/v1/bulk-cash-ins/${bulkId}/cancel`);
    await world.pool.query(
      `update bulks set received_at = received_at - interval '2 years', finished_at = finished_at - interval '2 years'
       where id = $1`,
      [bulkId],
    );
    await forgetOldReport(world.pool);
    const after = await result(bulkId);
    expect(after[1]).toBe(before[1]);
    expect(after[0]).toMatch(/,cancelled,/);
  });

  test('of a refused bulk has no line: none was taken, and none was left out', async () => {
    const query = { declared_count: '2', declared_total: '1000', on_invalid: 'reject' };
    const upload = { type: 'text/csv', body: csv([good(), bad()]), query };
    const { body } = await world.send(upload);
    expect(body.code).toBe('bulk_invalid');
    expect(await result(body.bulk_id)).toEqual([]);
  });

  test('for people opens in a spreadsheet with French settings: semicolons, the mark of UTF-8, names and times', async () => {
    const given = good({ first_name: 'Aïssatou', last_name: 'Bâ; née =Sow', reference: 'Prêt-août-n°1' });
    const bulkId = await take([bad({ reference: 'may-1' }), given]);
    const read = async (file: string): Promise<string> => {
      const response = await fetch(`${world.url}/v1/bulk-cash-ins/${bulkId}/${file}?for=people`, {
        headers: { authorization: `Bearer ${world.key}` },
      });
      // Not as text, which would take the mark away.
      return Buffer.from(await response.arrayBuffer()).toString('utf8');
    };
    const [header, left, taken, end] = (await read('result.csv')).split('\r\n');
    expect(header).toBe(`\ufeff${HEADER.replaceAll(',', ';')};first_name;last_name;accepted_at;finished_at`);
    expect(left).toBe('1;;skipped;not_valid;;;;may-1;;;"row 2, amount: give an amount above 0 (it says 0)";;;;');
    expect(taken).toMatch(
      /^2;po_\w+;accepted;[a-z_]+;1000;XOF;'\+221\d{9};Prêt-août-n°1;;;;Aïssatou;"Bâ; née =Sow";\d{4}-\d\d-\d\dT[\d:.]+Z;$/,
    );
    expect(end).toBe('');
    expect(await read('errors.csv')).toBe(
      '\ufeffline;column;code;row;reference;value;detail\r\n1;amount;not_valid;2;may-1;0;give an amount above 0\r\n',
    );
  });
});
