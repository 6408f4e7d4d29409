import type { Separator } from '../../spreadsheets/csv-rows';
import type { Encoding } from '../../spreadsheets/decode-text';

/** How a file was read: of a table, what was guessed. What is known later than the first line is changed in place. */
export interface ReadAs {
  format: (typeof READ_FORMATS)[number];
  encoding: Encoding;
  /** Of a CSV. */
  separator: Separator | null;
}

export const READ_FORMATS = ['csv', 'ndjson', 'json'] as const;

/** What a body gives as it is read, piece by piece: options as they stand there, and lines in their order. */
export type BodyPiece =
  | { kind: 'options'; options: Record<string, unknown> }
  | { kind: 'read_as'; readAs: ReadAs }
  /** `line` counts from 1; `row` as a spreadsheet counts, header and empty rows among them. */
  | { kind: 'line'; line: number; row?: number; fields: unknown }
  /** A line that cannot be read, or (null) something about the whole. */
  | {
      kind: 'error';
      line: number | null;
      row?: number;
      field: string | null;
      code: BodyErrorCode;
      message: string;
    };

/** Of what is wrong before any field of a line is looked at. */
export const BODY_ERROR_CODES = [
  'not_json',
  'not_csv',
  'not_utf8',
  'line_too_long',
  'unknown_column',
  'missing_column',
  'column_twice',
  'wrong_number_of_fields',
  'unknown_option',
  'member_twice',
  'not_a_form',
  'file_missing',
  'file_twice',
] as const;

export type BodyErrorCode = (typeof BODY_ERROR_CODES)[number];

/** A name that the sender made up, if it is harmless to show: it may itself be a value, such as a phone number. */
export function shownName(name: string): string | null {
  return /^[A-Za-z_][\w.-]{0,59}$/.test(name) && !/\d{5}/.test(name) ? name : null;
}

/** An object that names a member twice; `path` leads to it, and may end in a value of the sender's. */
export function memberTwice(line: number | null, path: readonly string[]): BodyPiece & { kind: 'error' } {
  const field = path.map((name) => shownName(name) ?? '?').join('.');
  return { kind: 'error', line, field, code: 'member_twice', message: 'is named twice: leave one out' };
}

/** Ends the reading: the rest of the body cannot be understood. */
export class BrokenBodyError extends Error {
  override readonly name = 'BrokenBodyError';

  constructor(
    readonly code: BodyErrorCode,
    message: string,
    readonly line: number | null = null,
  ) {
    super(message);
  }
}

/** Ends the reading: more came than may come. */
export class BodyLimitError extends Error {
  override readonly name = 'BodyLimitError';

  constructor(
    readonly what: 'bytes' | 'lines',
    readonly limit: number,
  ) {
    super(`more than ${limit} ${what}`);
  }
}
