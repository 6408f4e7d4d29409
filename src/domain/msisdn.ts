import { getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/mobile';
import type { CountryCode } from 'libphonenumber-js/mobile';

export type ParsedMsisdn =
  | { ok: true; e164: string }
  | { ok: false; problem: Exclude<MsisdnProblem, 'invisible_character'> }
  /** `character` is its code point, such as U+202A. */
  | { ok: false; problem: 'invisible_character'; character: string };

export type MsisdnProblem =
  'spreadsheet_decimal' | 'exponent' | 'invisible_character' | 'separators' | 'not_a_mobile_number' | 'other_country';

/** Spaces and format characters around a number, and the apostrophe with which a spreadsheet marks a text. */
const AROUND = /^[\p{Zs}\p{Cf}]*'?[\p{Zs}\p{Cf}]*|[\p{Zs}\p{Cf}]+$/gu;

/** Digits with spaces between them, or groups of two to four apart by dots, or by hyphens, at least two of these. */
const DIGITS = String.raw`\d(?: *\d)*|\d{2,4}(?:\.\d{2,4}){2,}|\d{2,4}(?:-\d{2,4}){2,}`;

const BARE = new RegExp(`^(?:${DIGITS})$`);

/** Longer than any spelling of a number, so that no time is lost on what is none. */
const MAX_LENGTH = 60;

type Refusal = Extract<ParsedMsisdn, { ok: false }>;

/**
 * Parses a recipient's number, national or international, to E.164, and checks that it is a mobile number of the country.
 * Its spelling is held to a strict grammar first, since libphonenumber reads past what it does not know, and money would
 * follow the guess: the tail of a decimal taken for a digit, text around a number, two numbers, an extension.
 */
export function parseMsisdn(input: string, country: CountryCode): ParsedMsisdn {
  if (input.length > MAX_LENGTH) return { ok: false, problem: 'not_a_mobile_number' };
  const spelt = input
    .replace(AROUND, '')
    .replaceAll(/\p{Zs}/gu, ' ')
    .replaceAll(/[\u2010\u2011]/g, '-');
  const code = getCountryCallingCode(country);
  const readings = nationalReadings(spelt, code);
  for (const digits of readings) {
    const number = parsePhoneNumberFromString(`+${code}${digits}`, { extract: false });
    // Compared whole: the library may drop digits that it takes for a prefix.
    if (number?.isValid() && number.country === country && number.nationalNumber === digits) {
      return { ok: true, e164: number.number };
    }
  }
  if (isOfAnotherCountry(spelt, country)) return { ok: false, problem: 'other_country' };
  return readings.length > 0 ? { ok: false, problem: 'not_a_mobile_number' } : misspelling(spelt);
}

/** The digits after the country's code, in each way in which the spelling may be read; none where it is no spelling. */
function nationalReadings(spelt: string, code: string): readonly string[] {
  const international = new RegExp(`^(?:(?:\\+|00)${code}|\\(\\+?${code}\\))(?: +|[.-])?(?<rest>${DIGITS})$`);
  const rest = international.exec(spelt)?.groups?.['rest'];
  if (rest !== undefined) return [rest.replaceAll(/\D/g, '')];
  if (!BARE.test(spelt)) return [];
  const digits = spelt.replaceAll(/\D/g, '');
  // As merchants write it: the country's code without its plus.
  return digits.startsWith(code) ? [digits, digits.slice(code.length)] : [digits];
}

function misspelling(spelt: string): Refusal {
  const [invisible] = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.exec(spelt) ?? [];
  if (invisible !== undefined) {
    return { ok: false, problem: 'invisible_character', character: codePointOf(invisible) };
  }
  if (/^[+(]*\d[\d ]*(?:[.,]\d*)?e[+-]?\d+$/i.test(spelt)) return { ok: false, problem: 'exponent' };
  // One point or comma and a few digits after it, whatever stands before.
  if (/^[^.,]*\d[.,] ?\d[\d ]{0,3}$/.test(spelt)) return { ok: false, problem: 'spreadsheet_decimal' };
  const isOfSeparators = /^[+(]*\d[\d ()./,\\_'\u2019\u2010-\u2015\u2212-]*$/.test(spelt) && /\d[^\d]/.test(spelt);
  return { ok: false, problem: isOfSeparators ? 'separators' : 'not_a_mobile_number' };
}

/** Only ever asked to name why a number is refused. */
function isOfAnotherCountry(spelt: string, country: CountryCode): boolean {
  if (!/^(?:\+|00)?\d[\d -]{2,30}$/.test(spelt)) return false;
  const number = parsePhoneNumberFromString(`+${spelt.replace(/^(?:\+|00)/, '')}`, { extract: false });
  return number?.isValid() === true && number.country !== country;
}

/** As Unicode writes it: U+ and at least four hexadecimal digits. */
export function codePointOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The national digits of an E.164 number, as Senegal's Orange wants them: 9 digits without the country code. */
export function nationalDigits(e164: string): string {
  const number = parsePhoneNumberFromString(e164);
  if (!number) throw new Error('not an E.164 number');
  return number.nationalNumber;
}
