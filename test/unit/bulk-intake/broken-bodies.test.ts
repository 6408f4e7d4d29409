import { isDeepStrictEqual } from 'node:util';

import * as fc from 'fast-check';

import { BrokenBodyError } from '../../../src/api/bulk-body/piece';
import type { BodyPiece } from '../../../src/api/bulk-body/piece';
import { HEADER, ROW } from './huge-uploads';
import { BOUNDARY, form, FORM_TYPE, inChunks, readUpload } from './read-upload';
import type { ReadUpload } from './read-upload';

const CSV = 'text/csv';
const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';

/** A body in one packet, and in small ones: what it gives may not hang on that. */
async function read(type: string, body: string | Buffer): Promise<ReadUpload> {
  const whole = await readUpload({ type, chunks: inChunks(Buffer.from(body)) });
  const size = Math.ceil(body.length / 1_000) + 1;
  const inPieces = await readUpload({ type, chunks: inChunks(Buffer.from(body), [size]) });
  // Not by `toEqual`: it would draw the difference of very long texts.
  expect(isDeepStrictEqual([inPieces.error, told(inPieces)], [whole.error, told(whole)])).toBe(true);
  return whole;
}

/** Lines and errors: of options a break may spoil the last. */
function told({ pieces }: ReadUpload): BodyPiece[] {
  return pieces.filter(({ kind }) => kind === 'line' || kind === 'error');
}

const file = (content: string | Buffer, name = 'may.csv'): Buffer =>
  form([{ name: 'file', value: content, file: name }]);
const cut = (bytes: Buffer, missing: number): Buffer => bytes.subarray(0, bytes.length - missing);
const GOOD = `${HEADER}\n${ROW}\n`;
const LONG = 'x'.repeat(70_000);

describe('what ends the reading', () => {
  const broken: readonly (readonly [name: string, type: string, body: string | Buffer, code: string, line?: number])[] =
    [
      ['an empty CSV', CSV, '', 'not_csv'],
      ['a CSV of empty lines', CSV, '\r\n\r\n', 'not_csv'],
      ['a CSV without a header row', CSV, `${ROW}\n${ROW}\n`, 'not_csv'],
      ['a quote that is never closed', CSV, `${GOOD}"1000,XOF\n${ROW}\n`, 'not_csv', 2],
      [
        'a quote that is never closed in a long CSV',
        CSV,
        `${GOOD}"1000\n${`${ROW}\n`.repeat(500)}`,
        'line_too_long',
        2,
      ],
      ['a header row with a quote inside of a cell', CSV, `am"ount${GOOD}`, 'not_csv'],
      ['a CSV line that is too long', CSV, `${GOOD}${LONG},\n${ROW}\n`, 'line_too_long', 2],
      ['half of a letter of UTF-16', CSV, Buffer.from(`\ufeff${GOOD}`, 'utf16le').subarray(0, -1), 'not_utf8'],
      ['Windows-1252 in NDJSON', NDJSON, Buffer.from('{"a":"é"}', 'latin1'), 'not_utf8'],
      ['half of a letter at the end', CSV, Buffer.concat([Buffer.from(GOOD), Buffer.of(0xc3)]), 'not_utf8'],
      ['NDJSON that is not UTF-8', NDJSON, Buffer.of(0x22, 0xff, 0x22), 'not_utf8'],
      ['an NDJSON line that is too long', NDJSON, `{}\n{"a":"${LONG}"}\n{}\n`, 'line_too_long', 2],
      ['an empty JSON', JSON_TYPE, '', 'not_json'],
      ['a JSON that is cut off', JSON_TYPE, '{"lines":[{"amount":1},{"am', 'not_json', 1],
      ['a JSON with a second one behind it', JSON_TYPE, '{"lines":[]}{"lines":[{}]}', 'not_json'],
      ['a JSON that breaks after its third line', JSON_TYPE, '{"lines":[{},{},{}x', 'not_json', 3],
      ['a JSON array', JSON_TYPE, '[{},{}]', 'not_json'],
      ['a JSON number', JSON_TYPE, '5 ', 'not_json'],
      ['lines that are an object', JSON_TYPE, '{"lines":{"a":{},"b":{}}}', 'not_json'],
      ['lines that are a number', JSON_TYPE, '{"lines":5}', 'not_json'],
      ['a JSON line that is too long', JSON_TYPE, `{"lines":[{},{"description":"${LONG}"},{}]}`, 'line_too_long'],
      ['a JSON line that is too deep', JSON_TYPE, `{"lines":[{},${'['.repeat(70_000)}`, 'line_too_long'],
      ['an option that is too long', JSON_TYPE, `{"description":"${LONG}","lines":[]}`, 'line_too_long'],
      ['a form without a file', FORM_TYPE, form([{ name: 'notify', value: 'each' }]), 'file_missing'],
      ['a form whose file is a field', FORM_TYPE, form([{ name: 'file', value: GOOD }]), 'file_missing'],
      ['an empty form', FORM_TYPE, '', 'not_a_form'],
      ['a form that is none', FORM_TYPE, 'garbage', 'not_a_form'],
      ['a form of another boundary', FORM_TYPE, file(GOOD).toString().replaceAll(BOUNDARY, 'other'), 'not_a_form'],
      ['a form without its boundary', 'multipart/form-data', file(GOOD), 'not_a_form'],
      ['a form that is cut off in its file', FORM_TYPE, cut(file(GOOD), 100), 'not_a_form'],
      ['a form that is cut off in its last boundary', FORM_TYPE, cut(file(GOOD), 5), 'not_a_form'],
      [
        'a form with a field that is too long',
        FORM_TYPE,
        form([{ name: 'allow_duplicates', value: '100000,'.repeat(20_000) }]),
        'not_a_form',
      ],
      [
        'a form with too many fields',
        FORM_TYPE,
        form(Array.from({ length: 60 }, () => ({ name: 'notify', value: 'each' }))),
        'not_a_form',
      ],
    ];

  // Rest parameters: a fifth one that a row lacks would be Jest's `done`.
  test.each(broken)('%s', async (...row) => {
    const [, type, body, code, line] = row as unknown as (typeof broken)[number];
    const { error } = await read(type, body);
    expect(error).toBeInstanceOf(BrokenBodyError);
    const { code: given, line: place } = error as BrokenBodyError;
    expect([given, place]).toEqual([code, line ?? null]);
  });

  test('two files, after the first was read', async () => {
    const two = [1, 2].map(() => ({ name: 'file', value: GOOD, file: 'may.csv' }));
    const { error, pieces } = await read(FORM_TYPE, form(two));
    expect([(error as BrokenBodyError).code, pieces.map(({ kind }) => kind)]).toEqual([
      'file_twice',
      ['read_as', 'line'],
    ]);
  });

  test('a second file that is cut off ends the reading as well, and nothing else', async () => {
    const two = [1, 2].map(() => ({ name: 'file', value: GOOD, file: 'may.csv' }));
    const { error } = await readUpload({ type: FORM_TYPE, chunks: [cut(form(two), 100)] });
    expect(error).toBeInstanceOf(BrokenBodyError);
  });

  test('the lines before a break are told', async () => {
    const read_ = await read(JSON_TYPE, '{"colour":1,"lines":[1,2,3 x');
    expect(told(read_).map(({ kind }) => kind)).toEqual(['error', 'line', 'line', 'line']);
  });
});

describe('what is told, and read past', () => {
  const errorsOf = async (type: string, body: string): Promise<unknown[]> => {
    const { pieces, error } = await read(type, body);
    expect(error).toBeNull();
    return pieces.flatMap((piece) => (piece.kind === 'error' ? [[piece.line, piece.field, piece.code]] : []));
  };

  const mistakes: readonly (readonly [name: string, type: string, body: string, errors: unknown[]])[] = [
    [
      'columns: unknown, missing and double ones, each once',
      CSV,
      'amount,amount,currency,method,colour,msisdn,first_name,last_name,size\n',
      [
        [null, 'amount', 'column_twice'],
        [null, 'colour', 'unknown_column'],
        [null, 'size', 'unknown_column'],
        [null, 'email', 'missing_column'],
      ],
    ],
    [
      'columns of metadata whose key cannot be one',
      CSV,
      `${HEADER},metadata.,metadata.a b,metadata.__proto__,metadata.good-key_1.2\n`,
      [
        [null, 'metadata.', 'unknown_column'],
        [null, 'column 10', 'unknown_column'],
        [null, 'metadata.__proto__', 'unknown_column'],
      ],
    ],
    [
      'records of too many fields, and quotes inside of cells; the rows after them are read',
      CSV,
      `${HEADER}\n${ROW},9\n\n${ROW}\n1000,X"OF,,,,,,\n"1000"0,XOF\n${ROW},9\n`,
      [
        [1, null, 'wrong_number_of_fields'],
        [3, null, 'not_csv'],
        [4, null, 'not_csv'],
        [5, null, 'wrong_number_of_fields'],
      ],
    ],
    ['rows that lack cells at the end, or have empty ones there', CSV, `${HEADER}\n1,2\n${ROW},,,\n`, []],
    ['rows of separators alone', CSV, `,,,\n${HEADER}\n,,,,,,,\n${ROW}\n , ,\n`, []],
    ['semicolons after empty lines', CSV, `\r\n\r\n${HEADER.replaceAll(',', ';')}\r\n`, []],
    ['old line ends', CSV, GOOD.replaceAll('\n', '\r'), []],
    ['a header row alone', CSV, HEADER, []],
    [
      'lines of NDJSON that are no JSON; empty ones count for nothing',
      NDJSON,
      '{}\r\n\r\n{"a":\r\n  \r\n{}\r\nNaN',
      [
        [2, null, 'not_json'],
        [4, null, 'not_json'],
      ],
    ],
    [
      'members that a line of NDJSON names twice; the lines beside it are read',
      NDJSON,
      '{"a":1}\n{"amount":1,"customer":{"email":"a","email":"b"}}\n{"a":1,"b":{"a":1}}\n',
      [[2, 'customer.email', 'member_twice']],
    ],
    [
      'members that a JSON names twice, in a line, in an option and as a whole',
      JSON_TYPE,
      '{"lines":[{"a":1},{"a":1,"b":[{"c":1},{"c":1,"c":2}]},{"a":1}],"metadata":{"x":"1","x":"2"},"lines":[]}',
      [
        [2, 'b.?.c', 'member_twice'],
        [null, 'metadata.x', 'member_twice'],
        [null, 'lines', 'member_twice'],
      ],
    ],
    [
      'members of a JSON',
      JSON_TYPE,
      '{"colour":{"lines":[1]},"lines":[],"constructor":1,"__proto__":[2]}',
      [
        [null, 'colour', 'unknown_option'],
        [null, 'constructor', 'unknown_option'],
        [null, '__proto__', 'unknown_option'],
      ],
    ],
  ];
  test.each(mistakes)('%s', async (_name, type, body, errors) => {
    expect(await errorsOf(type, body)).toEqual(errors);
  });

  test('fields of a form', async () => {
    const { pieces } = await read(FORM_TYPE, form([{ name: 'colour', value: 'red' }]));
    expect(pieces).toMatchObject([{ kind: 'error', line: null, field: 'colour', code: 'unknown_option' }]);
  });
});

describe('values of the sender are never told', () => {
  const SECRETS = /771234567|secret|Ndiaye|example/;
  const bodies: readonly (readonly [string, string, string | Buffer])[] = [
    ['a CSV without a header row', CSV, 'secret,XOF,771234567,secret@example.com,Ndiaye\n'],
    ['a line among the columns', CSV, `${HEADER},771234567,+221771234567,secret@example.com\n`],
    ['names of members', JSON_TYPE, '{"+221771234567":1,"771234567":2,"a secret":3,"lines":[]}'],
    ['names of fields', FORM_TYPE, form([{ name: '771234567', value: 'secret' }])],
    ['JSON that is broken', JSON_TYPE, '{"lines":[{"description":"secret" 771234567'],
    ['NDJSON that is broken', NDJSON, '{"description":"secret" 771234567\n'],
    ['CSV that is broken', CSV, `${HEADER}\n"secret"771234567\n`],
  ];
  test.each(bodies)('%s', async (_name, type, body) => {
    const { pieces, error } = await read(type, body);
    const errors = pieces.filter(({ kind }) => kind === 'error');
    expect(errors.length > 0 || error !== null).toBe(true);
    expect(`${JSON.stringify(errors)} ${(error as Error | null)?.message ?? ''}`).not.toMatch(SECRETS);
  });
});

test('any bytes at all end, with lines or with a refusal that is meant', async () => {
  const types = ['text/csv', 'application/x-ndjson', 'application/json', FORM_TYPE];
  const soup = fc.array(
    fc.constantFrom(
      ...['{', '}', '[', ']', '"', ':', ',', ';', '\r', '\n', '\\', 'u', 'e', '1', '-'],
      'lines',
      'amount',
      'null',
      '"lines":[',
      '--a-boundary-of-ours',
      '\r\n\r\n',
      '\ud83d\ude00',
    ),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...types),
      soup,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      async (type, pieces, cuts) => {
        const { error } = await readUpload({ type, chunks: inChunks(Buffer.from(pieces.join('')), cuts) });
        expect(error === null || (error as Error).name === 'BrokenBodyError').toBe(true);
      },
    ),
    { numRuns: 400 },
  );
});
