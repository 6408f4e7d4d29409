/** The columns of a statement's input by name, each with its PostgreSQL type. */
type Columns = Readonly<Record<string, string>>;

/** One row of parameters: for statements that are prepared. `after`: the columns of rows whose parameters come first. */
export function oneRow(columns: Columns, after: Columns = {}): string {
  const first = Object.keys(after).length + 1;
  const fields = Object.entries(columns).map(([name, type], index) => `$${first + index}::${type} as ${name}`);
  return `select ${fields.join(', ')}`;
}

/** The values of `oneRow`, in the order of its columns. */
export function rowValues<C extends Columns>(columns: C, row: Readonly<Record<keyof C, unknown>>): unknown[] {
  return Object.keys(columns).map((name) => row[name]);
}

/** Many rows, of one parameter: a JSON array of objects. */
export function manyRows(columns: Columns): string {
  const fields = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  return `select * from jsonb_to_recordset($1::jsonb) as input (${fields.join(', ')})`;
}
