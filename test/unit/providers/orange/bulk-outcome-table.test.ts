import type { BatchOutcome } from '../../../../src/domain/batch';
import { readBulkAnswer } from '../../../../src/providers/orange/bulk';
import { bulkMeaningOf, ORANGE_BULK_STATUSES } from '../../../../src/providers/orange/bulk-outcome-table';
import { ORANGE_CODES } from '../../../../src/providers/orange/outcome-table';

const BULK_ID = 'a1b2c3d4-e5f6-7890-1234-567890abcdef';
const ONE_LINE = 'unknown refused_for_a_line';

/**
 * Every code of the specification as an answer to a bulk call, written apart from the table: code, HTTP status, meaning. A
 * code that may speak of one line proves nothing of the others; one of the caller, the rate, the key, the PIN or a header
 * came before any line. None is `final`: no answer to a bulk call alone fails a line.
 */
const LINES: Record<string, [http: number, meaning: string]> = {
  2000: [400, ONE_LINE],
  2001: [400, ONE_LINE],
  2010: [400, 'credential rotate_secret'],
  2011: [400, 'credential replace_pin'],
  2012: [400, 'credential replace_pin'],
  2013: [400, 'credential replace_pin'],
  2020: [400, ONE_LINE],
  2021: [400, ONE_LINE],
  2022: [400, ONE_LINE],
  2023: [400, ONE_LINE],
  2024: [400, ONE_LINE],
  2025: [400, ONE_LINE],
  2030: [400, ONE_LINE],
  2031: [400, ONE_LINE],
  2040: [400, ONE_LINE],
  2041: [400, ONE_LINE],
  2042: [400, ONE_LINE],
  2043: [400, ONE_LINE],
  2050: [400, ONE_LINE],
  2051: [400, ONE_LINE],
  2052: [400, ONE_LINE],
  4003: [400, 'stale_key renew_key'],
  4004: [400, ONE_LINE],
  4099: [400, ONE_LINE],
  20: [400, ONE_LINE],
  21: [400, 'credential'],
  22: [400, ONE_LINE],
  23: [400, ONE_LINE],
  24: [400, ONE_LINE],
  25: [400, 'credential'],
  26: [400, 'credential'],
  27: [400, 'credential'],
  28: [400, 'credential'],
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
  PENDING: 'taken',
  TERMINATED: 'taken',
  REJECTED: 'refused_whole',
};

function inShort(outcome: BatchOutcome): string {
  switch (outcome.outcome) {
    case 'rejected':
      return [outcome.kind, outcome.remedy].filter((word) => word !== null).join(' ');
    case 'unknown':
    case 'not_sent':
      return `${outcome.outcome} ${outcome.reason}`;
    case 'taken':
    case 'refused_whole':
      return outcome.outcome;
    default:
      return outcome satisfies never;
  }
}

function problem(http: number, fields: object = {}): string {
  return JSON.stringify({
    type: '/bad-request',
    title: 'Bad Request',
    instance: '/api/eWallet/v1/bulkcashins',
    status: String(http),
    detail: 'The detail',
    ...fields,
  });
}

function read(status: number, body: unknown): BatchOutcome {
  return readBulkAnswer({ status, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

function batch(fields: object = {}): object {
  return { bulkId: BULK_ID, status: 'PENDING', description: 'ok', ...fields };
}

describe('the outcome table of bulk calls', () => {
  it('has a line for every code and every status of the specification, and no other', () => {
    expect([...ORANGE_CODES].sort()).toEqual(Object.keys(LINES).sort());
    expect([...ORANGE_BULK_STATUSES].sort()).toEqual(Object.keys(STATUS_LINES).sort());
  });

  it.each(Object.entries(LINES))('reads code %s under its HTTP status as %j', (code, [http, meaning]) => {
    expect(inShort(read(http, problem(http, { code })))).toBe(meaning);
  });

  it.each([...ORANGE_CODES])('never lets code %s fail a line', (code) => {
    const meaning = bulkMeaningOf(code, LINES[code]![0]);
    expect(meaning).not.toBeNull();
    expect(meaning).not.toMatchObject({ kind: 'final' });
  });

  it.each(Object.entries(STATUS_LINES))('reads status %s in a 200 as %s', (status, meaning) => {
    const outcome = read(200, batch({ status }));
    expect(inShort(outcome)).toBe(meaning);
    expect(outcome).toMatchObject({ batchReference: BULK_ID, code: status, text: 'ok' });
  });

  it.each(Object.entries(LINES))('does not believe code %s under another HTTP status', (code, [http]) => {
    for (const other of [400, 403, 404, 405, 409, 500, 502, 503].filter((status) => status !== http)) {
      expect(read(other, problem(other, { code })).outcome).toBe('unknown');
    }
  });

  it.each(Object.entries(LINES).filter(([, [http]]) => http !== 401 && http !== 429))(
    'does not believe code %s in a body that contradicts its HTTP status',
    (code, [http]) => {
      expect(read(http, problem(418, { code })).outcome).toBe('unknown');
    },
  );

  it.each(Object.entries(LINES))(
    'does not believe code %s of an answer that names a reference: a batch has none',
    (code, [http]) => {
      for (const reference of ['sub_0002', '', 7]) {
        const outcome = read(http, problem(http, { code, reference }));
        expect(outcome).toMatchObject({ outcome: 'unknown', reason: 'other_reference' });
      }
    },
  );
});

describe('an answer to a bulk call is unknown', () => {
  const strange: [string, number, unknown, string][] = [
    ['with a status that no table knows', 200, batch({ status: 'ON_HOLD' }), 'unmapped_status'],
    ['with a status of a transaction', 200, batch({ status: 'SUCCESS' }), 'unmapped_status'],
    ['with a refusal in small letters', 200, batch({ status: 'rejected' }), 'unmapped_status'],
    ['with a status named like a property of every object', 200, batch({ status: 'constructor' }), 'unmapped_status'],
    ['without the name of the batch', 200, batch({ bulkId: undefined }), 'malformed_body'],
    ['with an empty name of the batch', 200, batch({ bulkId: '' }), 'malformed_body'],
    ['with a name that is a number', 200, batch({ bulkId: 7 }), 'malformed_body'],
    ['with a name longer than any', 200, batch({ bulkId: 'a'.repeat(65) }), 'malformed_body'],
    ['with a name that a database refuses', 200, batch({ bulkId: 'a\u0000b' }), 'malformed_body'],
    ['without a status', 200, batch({ status: undefined }), 'malformed_body'],
    ['with a status that is no text', 200, batch({ status: 1 }), 'malformed_body'],
    ['that is cut', 200, JSON.stringify(batch()).slice(0, -5), 'malformed_body'],
    ['that is empty', 200, '', 'malformed_body'],
    ['that is a list', 200, [batch()], 'malformed_body'],
    ['that is HTML under 200', 200, '<html></html>', 'malformed_body'],
    ['that is an error under 200', 200, problem(400, { code: '2000' }), 'unmapped_status'],
    ['under 201', 201, batch(), 'unmapped_http'],
    ['that refuses under 202', 202, batch({ status: 'REJECTED' }), 'unmapped_http'],
    ['under 204', 204, '', 'unmapped_http'],
    ['that redirects', 302, '', 'redirect'],
    ['that redirects with a refusal', 307, problem(307, { code: '11' }), 'redirect'],
    ['that redirects for good', 308, batch({ status: 'REJECTED' }), 'redirect'],
    ['that is a 400 without a code', 400, problem(400), 'unmapped_code'],
    ['that is a 400 with a code that no table knows', 400, problem(400, { code: '7777' }), 'unmapped_code'],
    ['that is a 400 with a code of an older revision', 400, problem(400, { code: '2014' }), 'unmapped_code'],
    ['that is a 400 with a code like a property', 400, problem(400, { code: 'toString' }), 'unmapped_code'],
    ['that is a 400 of HTML', 400, '<html></html>', 'unmapped_code'],
    ['that is a 400 that says REJECTED', 400, batch({ status: 'REJECTED' }), 'unmapped_code'],
    ['that is a 403 without a code', 403, problem(403), 'unmapped_http'],
    ['that is a 404 of HTML', 404, '<html></html>', 'unmapped_http'],
    ['that is a 409', 409, problem(409), 'unmapped_http'],
    ['that is a 413', 413, '', 'unmapped_http'],
    ['that is a 415', 415, problem(415), 'unmapped_http'],
    ['that is a 500 of HTML', 500, '<html></html>', 'server_error'],
    ['that is a 502 of HTML', 502, '<html></html>', 'server_error'],
    ['that is a 504', 504, '', 'server_error'],
    ['that is a 500 with the code of a refusal', 500, problem(500, { code: '11' }), 'server_error'],
  ];

  it.each(strange)('%s', (_how, status, body, reason) => {
    expect(read(status, body)).toMatchObject({ outcome: 'unknown', reason });
  });

  it('and keeps the name of the batch where there is one, to be searched by', () => {
    expect(read(200, batch({ status: 'ON_HOLD' }))).toHaveProperty('batchReference', BULK_ID);
  });
});

describe('an answer to a bulk call is read tolerantly', () => {
  it('refused whole also without a name', () => {
    expect(read(200, batch({ status: 'REJECTED', bulkId: undefined }))).toMatchObject({
      outcome: 'refused_whole',
      batchReference: null,
    });
  });

  it('without a description, and with fields that nobody knows', () => {
    expect(read(200, batch({ description: 12, lines: [{}] }))).toMatchObject({ outcome: 'taken', text: null });
  });

  it('with codes as numbers', () => {
    expect(read(400, problem(400, { code: 4003, status: 400 }))).toMatchObject({ kind: 'stale_key', code: '4003' });
  });

  it.each([
    ['the OAuth shape', { error: 'invalid_token', error_description: 'expired' }, 'invalid_token'],
    ['HTML', '<html></html>', null],
    ['nothing', '', null],
    ['another code', problem(401, { code: '2000' }), '2000'],
  ])('at 401, whatever the body: %s', (_shape, body, code) => {
    expect(read(401, body)).toMatchObject({ outcome: 'rejected', kind: 'credential', remedy: 'renew_token', code });
  });

  it.each(['', '<html></html>', problem(429), problem(429, { code: '2000' })])('at 429, whatever the body', (body) => {
    expect(read(429, body)).toMatchObject({ outcome: 'rejected', kind: 'throttled', remedy: null });
  });
});

it('keeps the words of the provider without what could be a number of a person', () => {
  const text = 'Le compte 771234567 (+221 77 123 45 67) est bloque depuis le 12';
  const kept = 'Le compte … (+…) est bloque depuis le 12';
  expect(read(400, problem(400, { code: '2013', detail: text }))).toMatchObject({ code: '2013', text: kept });
  expect(read(200, batch({ description: text }))).toMatchObject({ text: kept });
});
