import { COLUMN_NAMES, columnNamed } from '../../spreadsheets/column-names';
import type { ColumnName } from '../../spreadsheets/column-names';
import { unmarkFormula } from '../../spreadsheets/formula-mark';
import { BrokenBodyError, shownName } from './piece';
import type { BodyPiece } from './piece';

/** Where each column of the CSV stands in a line's object. */
const PLACES = {
  amount: ['amount'],
  currency: ['currency'],
  method: ['method'],
  msisdn: ['recipient', 'msisdn'],
  reference: ['reference'],
  description: ['description'],
  email: ['customer', 'email'],
  first_name: ['customer', 'first_name'],
  last_name: ['customer', 'last_name'],
  phone: ['customer', 'phone'],
  address: ['customer', 'address'],
  city: ['customer', 'city'],
  state: ['customer', 'state'],
  country: ['customer', 'country'],
  zip: ['customer', 'zip'],
} as const satisfies Record<ColumnName, readonly string[]>;

export const CSV_COLUMNS = COLUMN_NAMES;

const MANDATORY = ['amount', 'currency', 'method', 'msisdn', 'email', 'first_name', 'last_name'] as const;

const METADATA = /^[Mm]etadata\.(?!__proto__$)([\w.-]{1,40})$/;

type Place = readonly [string] | readonly [string, string];

export interface Columns {
  /** What is wrong with the header row; lines are read all the same, so that everything is told at once. */
  errors: readonly BodyPiece[];
  count: number;
  /** A cell beyond the columns that have a name. */
  hasSurplus(cells: readonly string[]): boolean;
  /** An empty cell, or one that is missing at the end, is a field that is not there. */
  toFields(cells: readonly string[]): Record<string, unknown>;
}

export function readHeader(header: readonly string[]): Columns {
  const headings = header.map((heading) => heading.trim());
  const places = headings.map(placeOf);
  // A first row without one known name is a line, whose values may not be named.
  if (places.every((place) => place === null)) throw noHeader();
  const names = headings.map((heading) => columnNamed(heading) ?? heading);
  const errors: BodyPiece[] = [];
  const say = (field: string, code: 'unknown_column' | 'column_twice' | 'missing_column', message: string): void => {
    errors.push({ kind: 'error', line: null, field, code, message });
  };
  for (const [index, name] of names.entries()) {
    // Without a name: a column that a spreadsheet saves beside the table, as long as it is empty.
    if (name === '') continue;
    const shown = shownName(name) ?? `column ${index + 1}`;
    if (places[index] === null)
      say(shown, 'unknown_column', `is not known: take one of ${CSV_COLUMNS.join(', ')}, metadata.<key>`);
    else if (names.indexOf(name) < index) say(shown, 'column_twice', 'comes twice: leave one out');
  }
  for (const name of MANDATORY) {
    if (!names.includes(name)) say(name, 'missing_column', 'is missing in the header row: add it');
  }
  return {
    errors,
    count: names.filter((name) => name !== '').length,
    hasSurplus: (cells) => cells.some((cell, index) => cell.trim() !== '' && (names[index] ?? '') === ''),
    toFields(cells) {
      // Both groups are always there, so that each column of theirs that is empty is named.
      const fields: Record<string, unknown> = { recipient: {}, customer: {} };
      for (const [index, cell] of cells.entries()) {
        const place = places[index];
        if (place == null || cell.trim() === '') continue;
        put(fields, place, unmarkFormula(cell.trim()));
      }
      return fields;
    },
  };
}

export function noHeader(): BrokenBodyError {
  return new BrokenBodyError('not_csv', 'there is no header row: name the columns in the first row');
}

/** The column that a field of a line's object came from. */
export function columnOf(path: readonly string[]): string {
  const [outer = '', inner] = path;
  if (outer === 'metadata') return path.join('.');
  if (outer === 'recipient') return inner ?? 'msisdn';
  return outer === 'customer' ? (inner ?? 'email') : outer;
}

function placeOf(heading: string): Place | null {
  const name = columnNamed(heading);
  if (name !== null) return PLACES[name];
  const key = METADATA.exec(heading)?.[1];
  return key === undefined ? null : ['metadata', key];
}

function put(fields: Record<string, unknown>, [outer, inner]: Place, cell: string): void {
  if (inner === undefined) {
    fields[outer] = cell;
    return;
  }
  const group = (fields[outer] ?? {}) as Record<string, unknown>;
  fields[outer] = { ...group, [inner]: cell };
}
