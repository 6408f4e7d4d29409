import { pipeline, Readable } from 'node:stream';

import { CsvError, parse } from 'csv-parse';

import { noHeader, readHeader } from './csv-columns';
import type { Columns } from './csv-columns';
import { BrokenBodyError } from './piece';
import type { BodyPiece } from './piece';

/** A header row, and a line for each record after it; commas or semicolons, as the header row has them. */
export async function* readCsv(source: AsyncIterable<string>, maxLineLength: number): AsyncIterable<BodyPiece> {
  const { delimiter, all } = await peekDelimiter(source, maxLineLength);
  const parser = parse({ delimiter, relax_column_count: true, skip_empty_lines: true, max_record_size: maxLineLength });
  // Errors of either side reach the loop below, which ends with them.
  pipeline(Readable.from(all), parser, () => undefined);
  let columns: Columns | null = null;
  let line = 0;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (columns === null) {
        columns = readHeader(record);
        yield* columns.errors;
        continue;
      }
      line += 1;
      if (record.length === columns.count) yield { kind: 'line', line, fields: columns.toFields(record) };
      else yield wrongNumber(line, record.length, columns.count);
    }
  } catch (error) {
    throw error instanceof CsvError ? broken(error) : error;
  }
  if (columns === null) throw noHeader();
}

function wrongNumber(line: number, has: number, wanted: number): BodyPiece {
  const message = `has ${has} fields where the header row has ${wanted}: quote cells that hold the separator`;
  return { kind: 'error', line, field: null, code: 'wrong_number_of_fields', message };
}

function broken(error: CsvError): BrokenBodyError {
  const { code } = error;
  // Records before it, the header row among them: more than were handed on, since the parser drops the last ones.
  const line = Number(error['records']) || null;
  switch (code) {
    case 'CSV_MAX_RECORD_SIZE':
      return new BrokenBodyError('line_too_long', 'is too long: is a quote missing before it?', line);
    case 'CSV_QUOTE_NOT_CLOSED':
      return new BrokenBodyError('not_csv', 'a quote is opened and never closed', line);
    default:
      return new BrokenBodyError('not_csv', 'is no CSV: double the quotes inside of quoted cells', line);
  }
}

/** Reads up to the end of the header row, and gives it back before the rest. */
async function peekDelimiter(
  source: AsyncIterable<string>,
  maxLineLength: number,
): Promise<{ delimiter: ',' | ';'; all: AsyncIterable<string> }> {
  const rest = source[Symbol.asyncIterator]();
  let head = '';
  while (!/[^\r\n][\r\n]/.test(head) && head.length <= maxLineLength) {
    const next = await rest.next();
    if (next.done === true) break;
    head += next.value;
  }
  const header = head.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  const delimiter = header.split(';').length > header.split(',').length ? ';' : ',';
  return { delimiter, all: joined(head, rest) };
}

async function* joined(head: string, rest: AsyncIterator<string>): AsyncIterable<string> {
  if (head !== '') yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
