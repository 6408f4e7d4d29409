import { CsvRowError, readCsvRows } from '../../spreadsheets/csv-rows';
import { decodeText, TextEncodingError } from '../../spreadsheets/decode-text';
import { noHeader, readHeader } from './csv-columns';
import type { Columns } from './csv-columns';
import { BrokenBodyError } from './piece';
import type { BodyPiece, ReadAs } from './piece';

/** A header row, and a line for each row after it that has a cell with something in it. */
export async function* readCsv(source: AsyncIterable<Buffer>, maxLineLength: number): AsyncIterable<BodyPiece> {
  const readAs: ReadAs = { format: 'csv', encoding: 'utf-8', separator: null };
  yield { kind: 'read_as', readAs };
  const text = decodeText(source, (encoding) => (readAs.encoding = encoding));
  const rows = readCsvRows(text, {
    maxRowLength: maxLineLength,
    onSeparator: (separator) => (readAs.separator = separator),
  });
  let columns: Columns | null = null;
  let line = 0;
  try {
    for await (const { row, cells, isBroken } of rows) {
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (columns === null) {
        if (isBroken) throw new BrokenBodyError('not_csv', `the header row: ${MISPLACED_QUOTE}`);
        columns = readHeader(cells);
        yield* columns.errors;
        continue;
      }
      line += 1;
      if (isBroken) yield { kind: 'error', line, row, field: null, code: 'not_csv', message: MISPLACED_QUOTE };
      else if (columns.hasSurplus(cells)) yield surplus(line, row, columns.count);
      else yield { kind: 'line', line, row, fields: columns.toFields(cells) };
    }
  } catch (error) {
    // Of the header row no line has the number.
    throw broken(error, columns === null ? null : line + 1);
  }
  if (columns === null) throw noHeader();
}

const MISPLACED_QUOTE = 'a quote stands inside of a cell: put the whole cell in quotes, and double those inside of it';

function surplus(line: number, row: number, count: number): BodyPiece {
  const message = `has a cell beyond the ${count} columns that the header row names: quote cells that hold the separator`;
  return { kind: 'error', line, row, field: null, code: 'wrong_number_of_fields', message };
}

function broken(error: unknown, line: number | null): unknown {
  if (error instanceof TextEncodingError) {
    const message = 'the file is not UTF-8 throughout: save it as UTF-8 and send it again';
    return new BrokenBodyError('not_utf8', message);
  }
  if (!(error instanceof CsvRowError)) return error;
  return error.problem === 'row_too_long'
    ? new BrokenBodyError('line_too_long', 'is too long: is a quote missing before it?', line)
    : new BrokenBodyError('not_csv', 'a quote is opened and never closed', line);
}
