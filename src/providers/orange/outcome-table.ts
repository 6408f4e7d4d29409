import type { RejectionKind, Remedy } from '../../domain/outcome';

/** The eight statuses of a transaction, as the provider's specification v1.1.0 lists them. */
export const ORANGE_STATUSES = [
  'ACCEPTED',
  'CANCELLED',
  'FAILED',
  'INITIATED',
  'PENDING',
  'PRE_INITIATED',
  'REJECTED',
  'SUCCESS',
] as const;

export type OrangeStatus = (typeof ORANGE_STATUSES)[number];

/** Every error code of the specification v1.1.0. They are strings on the wire. */
export const ORANGE_CODES = [
  ...([
    '1',
    '2',
    '5',
    '9',
    '10',
    '11',
    '20',
    '21',
    '22',
    '23',
    '24',
    '25',
    '26',
    '27',
    '28',
    '50',
    '51',
    '60',
    '61',
  ] as const),
  ...(['2000', '2001', '2010', '2011', '2012', '2013', '2020', '2021', '2022', '2023', '2024', '2025'] as const),
  ...(['2030', '2031', '2040', '2041', '2042', '2043', '2050', '2051', '2052', '4003', '4004', '4099'] as const),
] as const;

export type OrangeCode = (typeof ORANGE_CODES)[number];

/** What an error means. It names no transaction, so it can neither settle nor accept. */
export type ErrorMeaning =
  { outcome: 'rejected'; kind: RejectionKind; remedy: Remedy | null } | { outcome: 'unknown'; reason: string };

export type StatusMeaning = { outcome: 'settled' } | { outcome: 'accepted' } | ErrorMeaning;

const SETTLED: StatusMeaning = { outcome: 'settled' };
const ACCEPTED: StatusMeaning = { outcome: 'accepted' };
const FINAL: ErrorMeaning = { outcome: 'rejected', kind: 'final', remedy: null };
const CREDENTIAL: ErrorMeaning = { outcome: 'rejected', kind: 'credential', remedy: null };
const NEW_PIN: ErrorMeaning = { outcome: 'rejected', kind: 'credential', remedy: 'replace_pin' };
const CHANGED_PIN: ErrorMeaning = { outcome: 'rejected', kind: 'credential', remedy: 'rotate_secret' };
const NEW_TOKEN: ErrorMeaning = { outcome: 'rejected', kind: 'credential', remedy: 'renew_token' };
const NEW_KEY: ErrorMeaning = { outcome: 'rejected', kind: 'stale_key', remedy: 'renew_key' };
const FLOAT: ErrorMeaning = { outcome: 'rejected', kind: 'provider_float', remedy: null };
const THROTTLED: ErrorMeaning = { outcome: 'rejected', kind: 'throttled', remedy: null };
const SERVER_ERROR: ErrorMeaning = { outcome: 'unknown', reason: 'server_error' };

/**
 * A status in a 200 answer to our own money call. The specification names the statuses without saying which are final,
 * apart from its promise that `PENDING` ends within 24 hours; this is the reading that live clients share.
 */
export const STATUS_MEANINGS = {
  SUCCESS: SETTLED,
  ACCEPTED: ACCEPTED,
  INITIATED: ACCEPTED,
  PENDING: ACCEPTED,
  PRE_INITIATED: ACCEPTED,
  FAILED: FINAL,
  CANCELLED: FINAL,
  REJECTED: FINAL,
} as const satisfies Record<OrangeStatus, StatusMeaning>;

/** An error code counts only under the HTTP status that the specification gives it; under another it is `unknown`. */
export const CODE_MEANINGS = {
  // Specification, customer: no such account, not a number. Another try cannot change it.
  2000: { http: 400, meaning: FINAL },
  2001: { http: 400, meaning: FINAL },

  // Specification, PIN of the retailer: to be changed, two tries left, one try left, blocked.
  2010: { http: 400, meaning: CHANGED_PIN },
  2011: { http: 400, meaning: NEW_PIN },
  2012: { http: 400, meaning: NEW_PIN },
  2013: { http: 400, meaning: NEW_PIN },

  // Specification, balances and ceilings "for payer", and in general for 2020: in a cash-in the payer is the retailer.
  2020: { http: 400, meaning: FLOAT },
  2021: { http: 400, meaning: FLOAT },
  2024: { http: 400, meaning: FLOAT },
  2031: { http: 400, meaning: FLOAT },

  // Specification, balances and ceilings "for payee", and in general for 2023: the recipient's wallet.
  2022: { http: 400, meaning: FINAL },
  2023: { http: 400, meaning: FINAL },
  2025: { http: 400, meaning: FINAL },
  2030: { http: 400, meaning: FINAL },
  2040: { http: 400, meaning: FINAL },

  // Specification, "transaction not allowed": in general and for the payee; for the payer it is our account's fault.
  2041: { http: 400, meaning: FINAL },
  2042: { http: 400, meaning: CREDENTIAL },
  2043: { http: 400, meaning: FINAL },

  // Specification, one-time passwords and QR codes: not of this call, refused all the same.
  2050: { http: 400, meaning: FINAL },
  2051: { http: 400, meaning: FINAL },
  2052: { http: 400, meaning: FINAL },
  4004: { http: 400, meaning: FINAL },

  // Specification: decryption failed, the public key is invalid or revoked; fetch a new one.
  4003: { http: 400, meaning: NEW_KEY },

  // Specification: bad request, and what in it is missing or invalid.
  4099: { http: 400, meaning: FINAL },
  20: { http: 400, meaning: FINAL },
  21: { http: 400, meaning: FINAL },
  22: { http: 400, meaning: FINAL },
  23: { http: 400, meaning: FINAL },
  24: { http: 400, meaning: FINAL },
  25: { http: 400, meaning: FINAL },
  26: { http: 400, meaning: FINAL },
  27: { http: 400, meaning: FINAL },
  28: { http: 400, meaning: FINAL },

  // Specification: full authentication required.
  10: { http: 401, meaning: NEW_TOKEN },

  // Specification: access forbidden, not found, bad method. Nothing was done; our access or address is set up wrongly.
  11: { http: 403, meaning: CREDENTIAL },
  60: { http: 404, meaning: CREDENTIAL },
  61: { http: 405, meaning: CREDENTIAL },

  // Specification: rate limit.
  9: { http: 429, meaning: THROTTLED },

  // Specification: 51 is "pending, do not retry". The others promise nothing about what was done before they arose.
  51: { http: 500, meaning: { outcome: 'unknown', reason: 'pending_at_provider' } },
  50: { http: 500, meaning: SERVER_ERROR },
  1: { http: 500, meaning: SERVER_ERROR },
  2: { http: 502, meaning: SERVER_ERROR },
  5: { http: 503, meaning: SERVER_ERROR },
} as const satisfies Record<OrangeCode, { http: number; meaning: ErrorMeaning }>;

/** HTTP statuses that mean the same whatever the body says, since the gateway answers them before the API does. */
export const HTTP_MEANINGS = {
  // Observed with the OAuth error shape and with problem+json.
  401: NEW_TOKEN,
  429: THROTTLED,
} as const satisfies Record<number, ErrorMeaning>;

/** What the table says of an answer without a usable line: nothing is known of the money. */
export function meaningOfOther(http: number): ErrorMeaning {
  if (http >= 500) return SERVER_ERROR;
  if (http >= 300 && http < 400) return { outcome: 'unknown', reason: 'redirect' };
  return { outcome: 'unknown', reason: http === 400 ? 'unmapped_code' : 'unmapped_http' };
}

export function isOrangeStatus(status: string): status is OrangeStatus {
  return (ORANGE_STATUSES as readonly string[]).includes(status);
}

export function isOrangeCode(code: string): code is OrangeCode {
  return (ORANGE_CODES as readonly string[]).includes(code);
}
