export const SEPARATORS = [';', ',', '\t'] as const;

export type Separator = (typeof SEPARATORS)[number];

/** A row as a spreadsheet counts it, from 1, the header row and empty ones among them. */
export interface CsvRow {
  row: number;
  cells: readonly string[];
  /** A quote stands where none may stand, so that the cells are not to be believed. */
  isBroken: boolean;
}

/** Ends the reading: where the row ends cannot be told. */
export class CsvRowError extends Error {
  override readonly name = 'CsvRowError';

  constructor(readonly problem: 'quote_not_closed' | 'row_too_long') {
    super(problem);
  }
}

export interface CsvOptions {
  /** Characters that a row may have: a quote that is never closed does not fill the memory. */
  maxRowLength: number;
  onSeparator: (separator: Separator) => void;
}

/**
 * The rows of a CSV (RFC 4180) whose separator is found out, from a line `sep=` before the header row or else as the one that
 * the header row has most of. Every line end counts for itself, whatever the others are. A row with a misplaced quote ends
 * with its line, so that the rows after it are read.
 */
export async function* readCsvRows(
  source: AsyncIterable<string>,
  { maxRowLength, onSeparator }: CsvOptions,
): AsyncIterable<CsvRow> {
  const { separator, all } = await peekSeparator(source, maxRowLength);
  onSeparator(separator);
  // What stays between two texts: the row so far, and how the last sign is to be taken.
  let cells: string[] = [];
  let cell = '';
  let state: 'plain' | 'quoted' | 'closed' = 'plain';
  let isBroken = false;
  let isAfterCr = false;
  let length = 0;
  let row = 0;
  const plain = new RegExp(`[^"\\r\\n${separator}]+`, 'y');
  const quoted = /[^"]+/y;

  const endCell = (): void => {
    cells.push(cell);
    cell = '';
    state = 'plain';
  };
  const endRow = (): CsvRow => {
    endCell();
    row += 1;
    const ended = { row, cells, isBroken };
    cells = [];
    isBroken = false;
    length = 0;
    return ended;
  };

  for await (const text of all) {
    for (let at = 0; at < text.length;) {
      const run = state === 'quoted' ? quoted : plain;
      run.lastIndex = at;
      const [letters = ''] = run.exec(text) ?? [];
      length += letters.length + 1;
      if (length > maxRowLength + 1) throw new CsvRowError('row_too_long');
      if (letters !== '') {
        isAfterCr = false;
        if (state === 'closed' && letters.trim() !== '') isBroken = true;
        cell += letters;
        at += letters.length;
        continue;
      }
      const sign = text[at] ?? '';
      at += 1;
      const isSecondHalf = isAfterCr && sign === '\n';
      isAfterCr = false;
      if (state === 'quoted') {
        state = 'closed';
      } else if (sign === '"') {
        if (state === 'closed') cell += sign;
        if (state === 'closed' || cell === '') state = 'quoted';
        else {
          isBroken = true;
          cell += sign;
        }
      } else if (sign === separator) {
        endCell();
      } else if (isSecondHalf) {
        length = 0;
      } else {
        isAfterCr = sign === '\r';
        yield endRow();
      }
    }
  }
  if (state === 'quoted') throw new CsvRowError('quote_not_closed');
  if (cells.length > 0 || cell !== '' || state === 'closed') yield endRow();
}

/** Excel takes this line away and does not count it. */
const SEP_LINE = /^\s*"?sep=([;,\t])"?[ \t]*(?:\r\n|\r|\n)/i;

/** Reads up to the end of the header row, and gives it back before the rest. */
async function peekSeparator(
  source: AsyncIterable<string>,
  maxRowLength: number,
): Promise<{ separator: Separator; all: AsyncIterable<string> }> {
  const rest = source[Symbol.asyncIterator]();
  let head = '';
  while (!/[^\r\n][\r\n]/.test(head.replace(SEP_LINE, '')) && head.length <= maxRowLength) {
    const next = await rest.next();
    if (next.done === true) break;
    head += next.value;
  }
  const named = SEP_LINE.exec(head)?.[1];
  const table = head.replace(SEP_LINE, '');
  // Not trimmed: a first column without a name leaves a tab at the start.
  const header = table.replace(/^[\r\n ]+/, '').split(/[\r\n]/, 1)[0] ?? '';
  const [most] = SEPARATORS.map((sign) => ({ sign, count: header.split(sign).length })).toSorted(
    (one, other) => other.count - one.count,
  );
  const counted = most && most.count > 1 ? most.sign : ',';
  return { separator: SEPARATORS.find((sign) => sign === named) ?? counted, all: joined(table, rest) };
}

async function* joined(head: string, rest: AsyncIterator<string>): AsyncIterable<string> {
  if (head !== '') yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
