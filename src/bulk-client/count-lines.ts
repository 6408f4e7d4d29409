import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { JSONParser } from '@streamparser/json';

import { parseAmount } from '../domain/money';
import { columnNamed } from '../spreadsheets/column-names';
import type { ColumnName } from '../spreadsheets/column-names';
import { CsvRowError, readCsvRows } from '../spreadsheets/csv-rows';
import { decodeText, TextEncodingError } from '../spreadsheets/decode-text';
import type { FileFormat } from './file-format';

/** What a file holds, as far as it can be counted without judging a line: that is the API's. */
export interface Counted {
  lines: number;
  /** Sum of the amounts that can be read, in minor units. */
  total: bigint;
  /** The currency of all lines; null where they differ or name none. */
  currency: string | null;
  /** False: it breaks off in the middle, or is of another format. */
  isWhole: boolean;
}

type See = (line: { amount?: unknown; currency?: unknown }) => void;

/** Longest line that is taken, in characters, as at the API: a quote that is never closed does not fill the memory. */
const MAX_LINE_LENGTH = 65_536;

/** Reads the file once, as a stream. Throws only where it cannot be read at all. */
export async function countLines(path: string, format: FileFormat): Promise<Counted> {
  const currencies = new Set<unknown>();
  let lines = 0;
  let total = 0n;
  const isWhole = await READERS[format](path, ({ amount, currency }) => {
    const parsed = parseAmount(amount);
    lines += 1;
    total += parsed.ok ? parsed.amount : 0n;
    if (currencies.size < 2) currencies.add(currency);
  });
  const [currency] = currencies;
  return { lines, total, isWhole, currency: currencies.size === 1 && typeof currency === 'string' ? currency : null };
}

/** SHA-256 of the bytes, in hex. A reading of its own, because a broken file is not counted to its end. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Each tells of every line, and whether the file could be read to its end. */
const READERS: Readonly<Record<FileFormat, (path: string, see: See) => Promise<boolean>>> = {
  csv: readCsv,
  ndjson: readNdjson,
  json: readJson,
};

async function readCsv(path: string, see: See): Promise<boolean> {
  const text = decodeText(createReadStream(path), () => undefined);
  let names: readonly (string | null)[] | null = null;
  try {
    for await (const { cells } of readCsvRows(text, { maxRowLength: MAX_LINE_LENGTH, onSeparator: () => undefined })) {
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (names === null) {
        names = cells.map(columnNamed);
        continue;
      }
      const cell = (name: ColumnName): string | undefined => cells[names?.indexOf(name) ?? -1]?.trim();
      see({ amount: cell('amount'), currency: cell('currency') });
    }
  } catch (error) {
    if (error instanceof CsvRowError || error instanceof TextEncodingError) return false;
    throw error;
  }
  return names !== null;
}

async function readNdjson(path: string, see: See): Promise<boolean> {
  let rest = '';
  // Line ends are LF alone, as at the API: other characters that break lines may stand in a text.
  for await (const text of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(seeLine);
    if (rest.length > MAX_LINE_LENGTH) return false;
  }
  seeLine(rest);
  return true;

  function seeLine(line: string): void {
    if (line.trim() === '') return;
    try {
      see((JSON.parse(line) ?? {}) as object);
    } catch {
      see({});
    }
  }
}

async function readJson(path: string, see: See): Promise<boolean> {
  const parser = new JSONParser({ paths: ['$.lines.*'], keepStack: false });
  parser.onValue = ({ value }) => see((value ?? {}) as object);
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) parser.write(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    return false;
  }
  return parser.isEnded;
}
