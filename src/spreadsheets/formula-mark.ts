/** What makes a spreadsheet take a cell for a formula, behind any marks that were put before it. */
const FORMULA = /^'*[=+\-@\t\r]/;

/** A cell that a spreadsheet would run gets an apostrophe before it; one that has the apostrophe, a second. */
export function markFormula(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** The cell before it was marked, also where a spreadsheet or a person put the apostrophe there. */
export function unmarkFormula(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
