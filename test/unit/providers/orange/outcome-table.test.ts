import type { Outcome } from '../../../../src/domain/outcome';
import {
  CODE_MEANINGS,
  ORANGE_CODES,
  ORANGE_STATUSES,
  STATUS_MEANINGS,
} from '../../../../src/providers/orange/outcome-table';
import { readSubmitAnswer } from '../../../../src/providers/orange/read-submit-answer';

const OURS = 'sub_0001';

/** Every line as rule 6 and the provider's facts give it, written apart from the table: code, HTTP status, meaning. */
const LINES: Record<string, [http: number, meaning: string]> = {
  2000: [400, 'final'],
  2001: [400, 'final'],
  2010: [400, 'credential rotate_secret'],
  2011: [400, 'credential replace_pin'],
  2012: [400, 'credential replace_pin'],
  2013: [400, 'credential replace_pin'],
  2020: [400, 'provider_float'],
  2021: [400, 'provider_float'],
  2022: [400, 'final'],
  2023: [400, 'final'],
  2024: [400, 'provider_float'],
  2025: [400, 'final'],
  2030: [400, 'final'],
  2031: [400, 'provider_float'],
  2040: [400, 'final'],
  2041: [400, 'final'],
  2042: [400, 'credential'],
  2043: [400, 'final'],
  2050: [400, 'final'],
  2051: [400, 'final'],
  2052: [400, 'final'],
  4003: [400, 'stale_key renew_key'],
  4004: [400, 'final'],
  4099: [400, 'final'],
  20: [400, 'final'],
  21: [400, 'final'],
  22: [400, 'final'],
  23: [400, 'final'],
  24: [400, 'final'],
  25: [400, 'final'],
  26: [400, 'final'],
  27: [400, 'final'],
  28: [400, 'final'],
  10: [401, 'credential renew_token'],
  11: [403, 'credential'],
  60: [404, 'credential'],
  61: [405, 'credential'],
  9: [429, 'throttled'],
  50: [500, 'unknown server_error'],
  51: [500, 'unknown pending_at_provider'],
  1: [500, 'unknown server_error'],
  2: [502, 'unknown server_error'],
  5: [503, 'unknown server_error'],
};

const STATUS_LINES: Record<string, string> = {
  ACCEPTED: 'accepted',
  INITIATED: 'accepted',
  PENDING: 'accepted',
  PRE_INITIATED: 'accepted',
  SUCCESS: 'settled',
  CANCELLED: 'final',
  FAILED: 'final',
  REJECTED: 'final',
};

function inShort(outcome: Outcome): string {
  switch (outcome.outcome) {
    case 'rejected':
      return [outcome.kind, outcome.remedy].filter((word) => word !== null).join(' ');
    case 'unknown':
    case 'not_sent':
      return `${outcome.outcome} ${outcome.reason}`;
    case 'accepted':
    case 'settled':
      return outcome.outcome;
    default:
      return outcome satisfies never;
  }
}

function problem(http: number, fields: object = {}): string {
  return JSON.stringify({
    type: '/bad-request',
    title: 'Bad Request',
    instance: '/api/eWallet/v1/cashins',
    status: String(http),
    detail: 'The detail',
    ...fields,
  });
}

function read(status: number, body: unknown): Outcome {
  return readSubmitAnswer({ status, body: typeof body === 'string' ? body : JSON.stringify(body) }, OURS);
}

function transaction(fields: object = {}): object {
  return { transactionId: 'CI220928.1029.C58502', status: 'SUCCESS', description: 'ok', reference: OURS, ...fields };
}

describe('the outcome table', () => {
  it('has a line for every code and every status of the specification, and no other', () => {
    expect(Object.keys(CODE_MEANINGS).sort()).toEqual(Object.keys(LINES).sort());
    expect([...ORANGE_CODES].sort()).toEqual(Object.keys(LINES).sort());
    expect(Object.keys(STATUS_MEANINGS).sort()).toEqual(Object.keys(STATUS_LINES).sort());
    expect([...ORANGE_STATUSES].sort()).toEqual(Object.keys(STATUS_LINES).sort());
  });

  it.each(Object.entries(LINES))('reads code %s under its HTTP status as %j', (code, [http, meaning]) => {
    expect(inShort(read(http, problem(http, { code })))).toBe(meaning);
  });

  it.each(Object.entries(STATUS_LINES))('reads status %s in a 200 as %s', (status, meaning) => {
    const outcome = read(200, transaction({ status }));
    expect(inShort(outcome)).toBe(meaning);
    expect(outcome).toMatchObject({ providerReference: 'CI220928.1029.C58502', code: status, text: 'ok' });
  });

  it.each(Object.entries(LINES))('does not believe code %s under another HTTP status', (code, [http]) => {
    for (const other of [400, 403, 404, 405, 409, 500, 502, 503].filter((status) => status !== http)) {
      expect(read(other, problem(other, { code })).outcome).toBe('unknown');
    }
  });

  it.each(Object.entries(LINES).filter(([, [http]]) => http < 500 && http !== 401 && http !== 429))(
    'does not believe code %s in a body that contradicts its HTTP status',
    (code, [http]) => {
      expect(read(http, problem(500, { code })).outcome).toBe('unknown');
    },
  );
});

describe('an answer is unknown', () => {
  const strange: [string, number, unknown, string][] = [
    ['with a status that no table knows', 200, transaction({ status: 'ON_HOLD' }), 'unmapped_status'],
    ['with a status in small letters', 200, transaction({ status: 'success' }), 'unmapped_status'],
    [
      'with a status named like a property of every object',
      200,
      transaction({ status: 'constructor' }),
      'unmapped_status',
    ],
    ['without a transaction id', 200, transaction({ transactionId: undefined }), 'malformed_body'],
    ['with an empty transaction id', 200, transaction({ transactionId: '' }), 'malformed_body'],
    ['without a status', 200, transaction({ status: undefined }), 'malformed_body'],
    ['that is cut', 200, JSON.stringify(transaction()).slice(0, -5), 'malformed_body'],
    ['that is empty', 200, '', 'malformed_body'],
    ['that is a list', 200, [transaction()], 'malformed_body'],
    ['that is an error under 200', 200, problem(400, { code: '2000' }), 'malformed_body'],
    ['with the reference of another', 200, transaction({ reference: 'sub_0002' }), 'other_reference'],
    ['with an empty reference', 200, transaction({ reference: '' }), 'other_reference'],
    [
      'refused, with the reference of another',
      200,
      transaction({ status: 'FAILED', reference: 'x' }),
      'other_reference',
    ],
    ['under 201', 201, transaction(), 'unmapped_http'],
    ['under 204', 204, '', 'unmapped_http'],
    ['that redirects', 302, '', 'redirect'],
    ['that redirects with a body', 307, problem(307), 'redirect'],
    ['that is a 400 without a code', 400, problem(400), 'unmapped_code'],
    ['that is a 400 with a code that no table knows', 400, problem(400, { code: '7777' }), 'unmapped_code'],
    ['that is a 400 with a code like a property', 400, problem(400, { code: 'toString' }), 'unmapped_code'],
    ['that is a 400 of HTML', 400, '<html></html>', 'malformed_body'],
    [
      'that is a refusal with the reference of another',
      400,
      problem(400, { code: '2000', reference: 'x' }),
      'other_reference',
    ],
    ['that is a 404 of HTML', 404, '<html></html>', 'malformed_body'],
    ['that is a 409', 409, problem(409), 'unmapped_http'],
    ['that is a 415', 415, problem(415), 'unmapped_http'],
    ['that is a 500 of HTML', 500, '<html></html>', 'server_error'],
    ['that is a 502 of HTML', 502, '<html></html>', 'server_error'],
    ['that is a 504', 504, '', 'server_error'],
    ['that is a 500 with the code of a refusal', 500, problem(500, { code: '2000' }), 'server_error'],
  ];

  it.each(strange)('%s', (_how, status, body, reason) => {
    expect(read(status, body)).toMatchObject({ outcome: 'unknown', reason });
  });

  it('and keeps the transaction id for polling, but never one that may be of another payout', () => {
    expect(read(200, transaction({ status: 'ON_HOLD' }))).toHaveProperty('providerReference', 'CI220928.1029.C58502');
    expect(read(200, transaction({ reference: 'sub_0002' }))).not.toHaveProperty('providerReference');
  });
});

describe('an answer is read tolerantly', () => {
  it.each([undefined, null])('without the optional reference (%p)', (reference) => {
    expect(read(200, transaction({ reference }))).toMatchObject({ outcome: 'settled' });
  });

  it('without a description, and with fields that nobody knows', () => {
    const outcome = read(200, transaction({ description: 12, balance: {} }));
    expect(outcome).toMatchObject({ outcome: 'settled', text: null });
  });

  it('with codes as numbers', () => {
    expect(read(400, problem(400, { code: 2000, status: 400 }))).toMatchObject({ kind: 'final', code: '2000' });
  });

  it.each([
    ['the OAuth shape', { error: 'invalid_token', error_description: 'expired' }, 'invalid_token'],
    ['HTML', '<html></html>', null],
    ['nothing', '', null],
    ['another code', problem(401, { code: '2000' }), '2000'],
  ])('at 401, whatever the body: %s', (_shape, body, code) => {
    expect(read(401, body)).toMatchObject({ outcome: 'rejected', kind: 'credential', remedy: 'renew_token', code });
  });

  it.each(['', '<html></html>', problem(429)])('at 429, whatever the body', (body) => {
    expect(read(429, body)).toMatchObject({ outcome: 'rejected', kind: 'throttled', remedy: null });
  });
});

it('keeps the words of the provider without what could be a number of a person', () => {
  const detail = 'Le compte 771234567 (+221 77 123 45 67) est bloque depuis le 12';
  expect(read(400, problem(400, { code: '2000', detail }))).toMatchObject({
    code: '2000',
    text: 'Le compte … (+…) est bloque depuis le 12',
  });
});
