import { createHash } from 'node:crypto';

import * as fc from 'fast-check';

import { readHeader } from '../../../src/api/bulk-body/csv-columns';
import { form, FORM_TYPE, inChunks, linesOf, readUpload } from './read-upload';
import type { Upload } from './read-upload';

interface Row {
  amount: string;
  msisdn: string;
  first_name: string;
  last_name: string;
  email: string;
  reference: string | undefined;
  description: string | undefined;
  city: string | undefined;
  note: string | undefined;
}

const COLUMNS = 'amount,currency,method,msisdn,first_name,last_name,email,reference,description,city,metadata.note';

/** Words of people, without the mark that a spreadsheet puts before a text: separators, quotes, marks and letters of two, three and four bytes. */
const words = fc
  .array(fc.constantFrom('a', 'Z', '7', ' ', ',', ';', '"', "'", '=', '-', 'é', 'ñ', 'ɓ', '€', '語', '😀', 'ﷺ'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((letters) => letters.join('').trim())
  .filter((text) => text !== '' && !text.startsWith("'"));

const rows = fc.array(
  fc.record<Row>({
    amount: fc.integer({ min: 1, max: 1_000_000 }).map(String),
    msisdn: fc.integer({ min: 0, max: 9_999_999 }).map((digits) => `77${String(digits).padStart(7, '0')}`),
    first_name: words,
    last_name: words,
    email: fc.integer({ min: 0, max: 99 }).map((number) => `a${number}@example.com`),
    reference: fc.option(words, { nil: undefined }),
    description: fc.option(words, { nil: undefined }),
    city: fc.option(words, { nil: undefined }),
    note: fc.option(words, { nil: undefined }),
  }),
  { maxLength: 12 },
);

const style = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t'),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  mark: fc.constantFrom('', '\ufeff'),
  quoteAll: fc.boolean(),
  lastEnd: fc.boolean(),
});

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

function toCsv(
  table: readonly Row[],
  how: { delimiter: string; quoteAll: boolean; lineEnd: string; mark: string; lastEnd: boolean },
): string {
  const quoted = (cell: string): string =>
    how.quoteAll || /[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  const records = table.map(({ amount, msisdn, ...row }) =>
    [
      amount,
      'XOF',
      'orange_sn',
      msisdn,
      row.first_name,
      row.last_name,
      row.email,
      row.reference,
      row.description,
      row.city,
      row.note,
    ]
      .map((cell) => quoted(cell ?? ''))
      .join(how.delimiter),
  );
  const all = [COLUMNS.replaceAll(',', how.delimiter), ...records].join(how.lineEnd);
  return `${how.mark}${all}${how.lastEnd ? how.lineEnd : ''}`;
}

function toObject({ amount, msisdn, first_name, last_name, email, city, note, reference, description }: Row): object {
  return {
    ...{ amount, currency: 'XOF', method: 'orange_sn', recipient: { msisdn }, reference, description },
    customer: { first_name, last_name, email, city },
    ...(note === undefined ? {} : { metadata: { note } }),
  };
}

/** What every format must give for a row. */
function expected({ amount, msisdn, first_name, last_name, email, city, note, ...row }: Row): object {
  const customer = { first_name, last_name, email, ...(city === undefined ? {} : { city }) };
  return {
    ok: true,
    payout: {
      ...{ amount: BigInt(amount), currency: 'XOF', method: 'orange_sn', recipient: { msisdn: `+221${msisdn}` } },
      ...{ customer, description: row.description ?? null, reference: row.reference ?? null, uniqueReference: false },
      ...{ metadata: note === undefined ? {} : { note }, scheduledAt: null },
    },
  };
}

test('any table reads the same as CSV, NDJSON, JSON and a form, wherever its bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(rows, style, sizes, async (table, how, cuts) => {
      const csv = toCsv(table, how);
      const objects = table.map((row) => JSON.stringify(toObject(row)));
      const ndjson = how.mark + objects.join(how.lineEnd) + (how.lastEnd ? how.lineEnd : '');
      const json = `${how.mark}{"description":"May","lines":[${objects.join(',')}],"declared_count":${table.length}}`;
      const contents: readonly (readonly [type: string, bytes: Buffer, file?: string])[] = [
        ['text/csv', Buffer.from(csv)],
        ['application/x-ndjson', Buffer.from(ndjson)],
        ['application/json', Buffer.from(json)],
        [FORM_TYPE, Buffer.from(csv), 'may.csv'],
        [FORM_TYPE, Buffer.from(ndjson), 'may.ndjson'],
        [FORM_TYPE, Buffer.from(json), 'may.json'],
      ];
      for (const [type, content, file] of contents) {
        const bytes = file === undefined ? content : form([{ name: 'file', value: content, file }]);
        const read = await readUpload({ type, chunks: inChunks(bytes, cuts) });
        expect(read.error).toBeNull();
        expect(linesOf(read)).toEqual(table.map(expected));
        expect(read.pieces.flatMap((piece) => (piece.kind === 'line' ? piece.line : []))).toEqual(
          table.map((_, index) => index + 1),
        );
        expect(read.pieces.filter(({ kind }) => kind === 'error')).toEqual([]);
        expect(read.digest).toBe(createHash('sha256').update(content).digest('hex'));
      }
    }),
    { numRuns: 120 },
  );
});

describe('options', () => {
  const options = async (upload: Upload): Promise<unknown> => {
    const { pieces } = await readUpload(upload);
    return Object.assign({}, ...pieces.map((piece) => (piece.kind === 'options' ? piece.options : {})));
  };

  test.each([
    ['before', '{"notify":"each","metadata":{"a":"b"},"allow_duplicates":[1,2],"lines":[{}]}'],
    ['after', '{"lines":[{}],"notify":"each","metadata":{"a":"b"},"allow_duplicates":[1,2]}'],
  ])('stand %s the lines of a JSON', async (_where, body) => {
    const seen = await options({ type: 'application/json', chunks: inChunks(Buffer.from(body)) });
    expect(seen).toEqual({ notify: 'each', metadata: { a: 'b' }, allow_duplicates: [1, 2] });
  });

  test('stand before and after the file of a form', async () => {
    const file = { name: 'file', value: `${COLUMNS}\n`, file: 'may.csv' };
    const body = form([{ name: 'notify', value: 'each' }, file, { name: 'description', value: 'Mai – été' }]);
    expect(await options({ type: FORM_TYPE, chunks: inChunks(body, [3]) })).toEqual({
      notify: 'each',
      description: 'Mai – été',
    });
  });

  test('are not taken from within a line', async () => {
    const body = '{"lines":[{"description":"of a line","metadata":{"notify":"each"},"lines":[1]}]}';
    expect(await options({ type: 'application/json', chunks: inChunks(Buffer.from(body)) })).toEqual({});
  });
});

test('a header row may stand in any order, with spaces around its names', () => {
  const header = readHeader([' msisdn', 'email ', 'last_name', 'first_name', 'method', 'currency', 'amount']);
  expect(header.errors).toEqual([]);
  expect(header.toFields([' 77 ', 'e', 'l', 'f', 'm', 'c', '1'])).toEqual({
    ...{ amount: '1', currency: 'c', method: 'm', recipient: { msisdn: '77' } },
    customer: { email: 'e', last_name: 'l', first_name: 'f' },
  });
});
