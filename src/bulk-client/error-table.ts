import type { LineError } from './api-views';

const HEADER = ['line', 'field', 'code', 'row', 'reference', 'value', 'what to change'] as const;

/** Rows of a table for people: where, code, the value in question, and what to change. */
export function errorTable(errors: readonly LineError[]): readonly string[] {
  const rows = [
    HEADER,
    ...errors.map(({ line, row, reference, field, value, code, detail }) => [
      line === null ? 'whole' : String(line),
      field ?? '–',
      code,
      row === null ? '–' : String(row),
      reference ?? '–',
      value ?? '–',
      detail,
    ]),
  ];
  const widths = HEADER.map((_name, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column === HEADER.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  );
}
