const MAX_TEXT_LENGTH = 200;

/** Four digits or more, also where they are written in groups: what could be a phone number, an account or a PIN. */
const DIGIT_RUN = /\p{Nd}(?:[\s.()/-]{0,3}\p{Nd}){3,}/gu;

/**
 * A provider's text as it may be kept: digits that could be personal data become `…`, control characters (PostgreSQL
 * refuses NUL) a space, and it is cut at 200 characters.
 */
export function cleanText(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  const cleaned = text.replace(DIGIT_RUN, '…').replace(/\p{Cc}/gu, ' ');
  return Array.from(cleaned).slice(0, MAX_TEXT_LENGTH).join('');
}

/** A provider's code as it may be kept: a short number or a word, else null, since nothing else is a code. */
export function cleanCode(code: string | null | undefined): string | null {
  return code !== null && code !== undefined && /^(?:\d{1,6}|[A-Za-z][A-Za-z_-]{0,49})$/.test(code) ? code : null;
}

/** A provider's reference or event id as it may be kept: up to 64 visible ASCII characters, else null. */
export function cleanReference(reference: string | null | undefined): string | null {
  return reference !== null && reference !== undefined && /^[\x21-\x7e]{1,64}$/.test(reference) ? reference : null;
}
