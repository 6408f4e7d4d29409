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
} as const satisfies Record<string, readonly string[]>;

export const CSV_COLUMNS = Object.keys(PLACES) as readonly (keyof typeof PLACES)[];

const MANDATORY = ['amount', 'currency', 'method', 'msisdn', 'email', 'first_name', 'last_name'] as const;

const METADATA = /^metadata\.(?!__proto__$)([\w.-]{1,40})$/;

type Place = readonly [string] | readonly [string, string];

export interface Columns {
  /** What is wrong with the header row; lines are read all the same, so that everything is told at once. */
  errors: readonly BodyPiece[];
  count: number;
  /** An empty cell is a field that is not there. */
  toFields(record: readonly string[]): Record<string, unknown>;
}

export function readHeader(header: readonly string[]): Columns {
  const names = header.map((name) => name.trim());
  const places = names.map(placeOf);
  // A first row without one known name is a line, whose values may not be named.
  if (places.every((place) => place === null)) throw noHeader();
  const errors: BodyPiece[] = [];
  const say = (field: string, code: 'unknown_column' | 'column_twice' | 'missing_column', message: string): void => {
    errors.push({ kind: 'error', line: null, field, code, message });
  };
  for (const [index, name] of names.entries()) {
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
    count: names.length,
    toFields(record) {
      // Both groups are always there, so that each column of theirs that is empty is named.
      const fields: Record<string, unknown> = { recipient: {}, customer: {} };
      for (const [index, cell] of record.entries()) {
        const place = places[index];
        if (place == null || cell.trim() === '') continue;
        put(fields, place, cell.trim());
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

function placeOf(name: string): Place | null {
  if (Object.hasOwn(PLACES, name)) return PLACES[name as keyof typeof PLACES];
  const key = METADATA.exec(name)?.[1];
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
