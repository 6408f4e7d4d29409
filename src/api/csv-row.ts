import { markFormula } from '../spreadsheets/formula-mark';

/** A row of a CSV (RFC 4180) with its line end. A cell that a spreadsheet would run gets an apostrophe before it. */
export function csvRow(cells: readonly (string | number | null)[], separator: ',' | ';' = ','): string {
  return `${cells.map(cell).join(separator)}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = markFormula(value);
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
