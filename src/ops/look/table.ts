export type Row = Readonly<Record<string, unknown>>;

/** Rows as lines of text with a heading, each column as wide as its widest cell; columns without any value are left out. */
export function tableLines(rows: readonly Row[], columns: readonly string[] = columnsOf(rows)): readonly string[] {
  const used = columns.filter((column) => rows.some((row) => cellOf(row, column) !== ''));
  const cells = [used, ...rows.map((row) => used.map((column) => cellOf(row, column)))];
  const widths = used.map((_column, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** One row, a member on each line. */
export function memberLines(row: Row): readonly string[] {
  const members = Object.entries(row).filter(([name, value]) => !isRows(value) && cellOf(row, name) !== '');
  const width = Math.max(0, ...members.map(([name]) => name.length));
  return members.map(([name]) => `${name.padEnd(width)}  ${cellOf(row, name)}`);
}

/** The lists that a row has among its members, by their names. */
export function listsOf(row: Row): readonly [string, readonly Row[]][] {
  return Object.entries(row).filter((entry): entry is [string, readonly Row[]] => isRows(entry[1]));
}

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'object');
}

function columnsOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function cellOf(row: Row, column: string): string {
  const value = row[column];
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return value.join(' ');
  return Object.entries(value)
    .map(([name, each]) => `${name} ${String(each)}`)
    .join(', ');
}
