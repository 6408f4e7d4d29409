import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { countLines, hashFile } from '../../../src/bulk-client/count-lines';
import { fileFormatOf, MEDIA_TYPES } from '../../../src/bulk-client/file-format';
import { CSV_TEMPLATE } from '../../../src/bulk-client/template';
import { linesOf, readUpload } from '../bulk-intake/read-upload';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cauri-count-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** Lines as the API counts them. */
async function atTheApi(content: string, type: string): Promise<number> {
  const { pieces } = await readUpload({ type, chunks: [Buffer.from(content)] });
  return pieces.filter(({ kind, ...piece }) => kind === 'line' || ('line' in piece && piece.line !== null)).length;
}

const HEAD = 'amount,currency,method,msisdn,email,first_name,last_name,description';
const ROW = 'XOF,orange_sn,771234567,awa@example.com,Awa,Ndiaye';

test.each([
  ['commas', `${HEAD}\n1000,${ROW},x\n2000,${ROW},y\n`, 2, 3_000n],
  ['semicolons and a byte order mark', `\uFEFF${HEAD}\n1000,${ROW},x\n`.replaceAll(',', ';'), 1, 1_000n],
  ['CRLF, and no line end at the end', `${HEAD}\r\n1000,${ROW},x\r\n2000,${ROW},y`, 2, 3_000n],
  ['empty lines', `\n${HEAD}\n\n1000,${ROW},x\n\n`, 1, 1_000n],
  ['a line break and a separator in quotes', `${HEAD}\n1000,${ROW},"a, b\nc"\n2000,${ROW},y\n`, 2, 3_000n],
  ['rows of another length and amounts that are none', `${HEAD}\n1000,XOF\nmuch,${ROW},x\n-5,${ROW},x\n`, 3, 1_000n],
  ['a header row alone', `${HEAD}\n`, 0, 0n],
])('a CSV with %s is counted as the API counts it', async (_what, content, lines, total) => {
  expect(await countLines(file('a.csv', content), 'csv')).toMatchObject({ lines, total, isWhole: true });
  expect(await atTheApi(content, MEDIA_TYPES.csv)).toBe(lines);
});

test.each([
  ['ndjson', '{"amount":1000,"currency":"XOF"}\n\n{"amount":"2000","currency":"XOF"}\nno json', 3, 3_000n],
  ['json', '{"description":"x","lines":[{"amount":1000,"currency":"XOF"},{"amount":"2000"}]}', 2, 3_000n],
] as const)('%s is counted as the API counts it', async (format, content, lines, total) => {
  expect(await countLines(file(`a.${format}`, content), format)).toMatchObject({ lines, total, isWhole: true });
  expect(await atTheApi(content, MEDIA_TYPES[format])).toBe(lines);
});

test.each([
  ['csv', `${HEAD}\n1000,"${ROW},x\n`],
  ['csv', ''],
  ['json', '{"lines":[{"amount":1000}'],
  ['json', 'amount;currency'],
  ['ndjson', `{"amount":${'1'.repeat(70_000)}`],
] as const)('a %s that breaks off is known for it: %#', async (format, content) => {
  expect((await countLines(file(`broken.${format}`, content), format)).isWhole).toBe(false);
});

test('the currency is told where all lines have the same', async () => {
  const rows = (...currencies: string[]): string =>
    [HEAD, ...currencies.map((currency) => `1000,${ROW.replace('XOF', currency)},x`)].join('\n');
  expect((await countLines(file('one.csv', rows('XOF', 'XOF')), 'csv')).currency).toBe('XOF');
  expect((await countLines(file('two.csv', rows('XOF', 'EUR')), 'csv')).currency).toBeNull();
});

test('a file that is not there says so', async () => {
  await expect(countLines(join(directory, 'none.csv'), 'csv')).rejects.toThrow('ENOENT');
});

test('the hash is of the bytes', async () => {
  const bytes = Buffer.from([0xff, 0x00, 0x0d, 0x0a]);
  expect(await hashFile(file('bytes.csv', bytes))).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('the name tells the format', () => {
  const named = ['a.csv', 'A.CSV', 'a.ndjson', 'a.jsonl', 'a.json', 'a.xlsx', 'csv'].map(fileFormatOf);
  expect(named).toEqual(['csv', 'csv', 'ndjson', 'ndjson', 'json', null, null]);
});

describe('the template', () => {
  const upload = (content: string) => readUpload({ type: MEDIA_TYPES.csv, chunks: [Buffer.from(content)] });

  test('stands in docs/bulk.md', () => {
    expect(readFileSync(join(__dirname, '../../../docs/bulk.md'), 'utf8')).toContain(CSV_TEMPLATE);
  });

  test('pays nobody as it is', async () => {
    const lines = linesOf(await upload(CSV_TEMPLATE));
    expect(lines.map(({ ok }) => ok)).toEqual([false, false]);
  });

  test('is good once the numbers are filled in', async () => {
    const read = await upload(CSV_TEMPLATE.replaceAll('XXXXXXX', '1234567'));
    expect(linesOf(read).map(({ ok }) => ok)).toEqual([true, true]);
    expect(read.pieces.filter(({ kind }) => kind === 'error')).toEqual([]);
  });
});
