/** The columns of a joined table, under names that hold its alias, since those of two tables are often the same. */
export function joinedColumns(alias: string, columns: readonly string[]): string {
  return columns.map((column) => `${alias}.${column} as ${alias}_${column}`).join(', ');
}

/** The joined table's own row, out of one that was read by `joinedColumns`. */
export function joinedRow<R>(
  row: Readonly<Record<string, unknown>>,
  alias: string,
  columns: readonly (keyof R & string)[],
): R {
  return Object.fromEntries(columns.map((column) => [column, row[`${alias}_${column}`]])) as R;
}
