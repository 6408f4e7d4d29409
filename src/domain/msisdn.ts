import { parsePhoneNumberFromString } from 'libphonenumber-js/mobile';
import type { CountryCode } from 'libphonenumber-js/mobile';

export type ParsedMsisdn = { ok: true; e164: string } | { ok: false; problem: 'not_a_mobile_number' | 'other_country' };

/** Digits with the marks that people write between them. Anything else is not a number, whatever could be found in it. */
const SPELLING = /^\+?[\d(][\d ().-]{2,30}$/;

/**
 * Parses a recipient's number, national or international, to E.164, and checks that it is a mobile number of the country.
 * A number without `+` is first read as national, then as international without its plus, as merchants write `22177…`.
 * Nothing is guessed: text around a number, two numbers or an extension are refused, since money would follow the guess.
 */
export function parseMsisdn(input: string, country: CountryCode): ParsedMsisdn {
  if (!SPELLING.test(input)) return { ok: false, problem: 'not_a_mobile_number' };
  const national = parsePhoneNumberFromString(input, { defaultCountry: country, extract: false });
  const number = national?.isValid()
    ? national
    : parsePhoneNumberFromString(`+${input.replace(/^\+/, '')}`, { extract: false });
  if (!number?.isValid() || number.ext !== undefined) return { ok: false, problem: 'not_a_mobile_number' };
  if (number.country !== country) return { ok: false, problem: 'other_country' };
  return { ok: true, e164: number.number };
}

/** The national digits of an E.164 number, as Senegal's Orange wants them: 9 digits without the country code. */
export function nationalDigits(e164: string): string {
  const number = parsePhoneNumberFromString(e164);
  if (!number) throw new Error('not an E.164 number');
  return number.nationalNumber;
}
