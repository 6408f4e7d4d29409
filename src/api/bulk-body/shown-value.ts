import { unmarkFormula } from '../../spreadsheets/formula-mark';

/** Fields whose value a report may show: none of them is meant for a person's name or address. */
const SHOWN_FIELDS: readonly string[] = ['amount', 'currency', 'method', 'recipient.msisdn', 'reference'];

const LONGEST = 40;

/** What is a number in the main; other letters than an exponent's, or those of a currency behind it, make it a text. */
const NUMBERS: Readonly<Record<string, RegExp>> = {
  'recipient.msisdn': /^(?:[^\p{L}]|E)*$/iu,
  amount: /^[^\p{L}]*\d[^\p{L}]*(?:E[^\p{L}]+)?[\p{L} ]{0,5}$/iu,
};

/** A number in a wrong column is a number all the same: digits and separators alone, or many digits one after the other. */
const DIGITS_ALONE = /^[^\p{L}\d]*\d(?:[^\p{L}\d]*\d){8,}[^\p{L}\d]*$/u;
const LONG_DIGITS = /\d{9,}/g;

/** The value that an error of a line is about, as far as a report may show it: cut to a length, each phone number masked. */
export function shownValue(fields: unknown, path: readonly string[]): string | null {
  const field = path.join('.');
  if (!SHOWN_FIELDS.includes(field)) return null;
  const value = path.reduce<unknown>(memberOf, fields);
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = unmarkFormula(String(value).trim()).replaceAll(/[\p{Cf}\p{Cc}]/gu, '');
  // An address of an e-mail in a wrong column.
  if (text === '' || text.includes('@')) return null;
  if (NUMBERS[field]?.test(text) === false) return null;
  const masked =
    field === 'recipient.msisdn' || DIGITS_ALONE.test(text)
      ? maskNumber(text)
      : text.replaceAll(LONG_DIGITS, maskNumber);
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}

/** All digits but the last two. */
export function maskNumber(number: string): string {
  return number.replaceAll(/\d(?=(?:\D*\d){2})/g, '*');
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
