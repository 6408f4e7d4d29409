import { createHmac } from 'node:crypto';
import type { CallbackSecrets, ParsedBatchCallback } from '../../../../src/domain/callback';
import { createOrangeProvider } from '../../../../src/providers/orange';

const NOW = new Date('2026-01-01T10:00:00Z');
const SECRET = 'endpoint-secret';
const SIGNED: CallbackSecrets = { signingSecret: SECRET, authorization: null };
const BARE: CallbackSecrets = { signingSecret: null, authorization: null };
const BULK_ID = 'a1b2c3d4-e5f6-7890-1234-567890abcdef';

/** The provider's own example of `NotificationBulkCashin`. */
const NOTIFICATION = {
  type: 'BULK_CASHIN',
  reference: BULK_ID,
  status: 'SUCCESS',
  description: 'bulk cashin processing finished',
  date: '2023-10-27T10:00:00Z',
  metadata: { batch: 'payroll-2023-10' },
};
const NOTHING = { authentic: true, eventId: null, batchReference: null };

const bulk = createOrangeProvider({ baseUrl: 'http://127.0.0.1:9' }).bulk!;

function parse(
  body: Buffer | string | object,
  secrets: CallbackSecrets = BARE,
  headers: Record<string, string> = {},
): ParsedBatchCallback {
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return bulk.parseCallback({ body: Buffer.from(raw), headers, receivedAt: NOW }, secrets);
}

function signature(raw: string, { secondsAgo = 0, secret = SECRET } = {}): string {
  const t = NOW.getTime() / 1_000 - secondsAgo;
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t},${raw}`).digest('hex')}`;
}

function signed(header: string, body: string = JSON.stringify(NOTIFICATION)): ParsedBatchCallback {
  return parse(body, SIGNED, { 'x-sonatel-signature': header });
}

describe('the callback of a batch', () => {
  it('names the batch and its own event, and nothing else', () => {
    expect(parse(NOTIFICATION, BARE, { 'x-sonatel-idempotency-key': 'event-1' })).toStrictEqual({
      authentic: true,
      eventId: 'event-1',
      batchReference: BULK_ID,
    });
  });

  it.each(['SUCCESS', 'FAILED', 'REJECTED', 'TERMINATED', 'ON_HOLD', '', null, undefined, 7])(
    'says no more with the status %p',
    (status) => {
      expect(parse({ ...NOTIFICATION, status })).toStrictEqual({ ...NOTHING, batchReference: BULK_ID });
    },
  );

  it('says nothing of a line, whatever is written beside', () => {
    const lines = [{ reference: 'sub_0001', status: 'FAILED', transactionId: 'CI220928.1029.C58502' }];
    const body = { ...NOTIFICATION, transactionId: 'CI220928.1029.C58502', amount: { value: 1500 }, lines };
    expect(parse(body)).toStrictEqual({ ...NOTHING, batchReference: BULK_ID });
  });
});

describe('a body that is no callback of a batch is authentic and names nothing', () => {
  it.each([
    '',
    'hello',
    '[]',
    `[${JSON.stringify(NOTIFICATION)}]`,
    'null',
    '7',
    '"BULK_CASHIN"',
    '1e999',
    '{}',
    '{"type":"BULK_CASHIN"}',
    '{"type":"BULK_CASHIN","reference":null}',
    '{"type":"BULK_CASHIN","reference":{"id":"a"}}',
    '{"type":"BULK_CASHIN","reference":["a"]}',
    '{"type":"BULK_CASHIN","reference":1e999}',
    '{"type":"BULK_CASHIN","reference":12345678901234567890123}',
    '{"type":["BULK_CASHIN"],"reference":"a"}',
    '{"type":"BULK_CASHIN","reference":"a"',
  ])('%s', (body) => {
    expect(parse(body)).toStrictEqual(NOTHING);
  });

  it.each(['CASHIN', 'MERCHANT_PAYMENT', 'WEB_PAYMENT', 'bulk_cashin', '', null])('of the type %p', (type) => {
    expect(parse({ ...NOTIFICATION, type })).toStrictEqual(NOTHING);
  });

  it('without a type', () => {
    const { type: _, ...rest } = NOTIFICATION;
    expect(parse(rest)).toStrictEqual(NOTHING);
  });

  it('of bytes that are no text', () => {
    expect(parse(Buffer.from([0x7b, 0xff, 0x7d]))).toStrictEqual(NOTHING);
  });

  it.each(['', 'a'.repeat(65), 'a b', 'a\u0000b', 'a\nb', 'é', '😀'])(
    'with the name %j, which no database or search should meet',
    (reference) => {
      expect(parse({ ...NOTIFICATION, reference })).toStrictEqual(NOTHING);
    },
  );

  it.each(['', 'a'.repeat(65), 'a b', 'é'])('keeps no event id %j', (eventId) => {
    expect(parse(NOTIFICATION, BARE, { 'x-sonatel-idempotency-key': eventId })).toMatchObject({ eventId: null });
  });
});

describe('with a signing secret', () => {
  const raw = JSON.stringify(NOTIFICATION);
  const right = signature(raw);

  it('a right signature is authentic', () => {
    expect(signed(right)).toStrictEqual({ ...NOTHING, batchReference: BULK_ID });
  });

  it('covers the raw bytes, also of a body that names nothing', () => {
    expect(signed(signature('[]'), '[]')).toStrictEqual(NOTHING);
    expect(signed(right, `${raw} `)).toMatchObject({ authentic: false });
  });

  it('is accepted for 300 seconds in both directions', () => {
    const read = [300, 301, -300, -301].map((secondsAgo) => signed(signature(raw, { secondsAgo })).authentic);
    expect(read).toEqual([true, false, true, false]);
  });

  it.each([
    ['another secret', signature(raw, { secret: 'other' })],
    ['the signature of another body', signature('{}')],
    ['no time', right.replace(/^t=\d+,/, '')],
    ['a time that is too large for any clock', right.replace(/^t=\d+/, `t=${'9'.repeat(400)}`)],
    ['a time that is no number', right.replace(/^t=\d+/, 't=NaN')],
    ['a time below zero', right.replace(/^t=/, 't=-')],
    ['half a signature', right.slice(0, -32)],
    ['capital letters', right.toUpperCase()],
    ['something behind it', `${right},v2=1`],
    ['two headers in one', `${right}, ${right}`],
    ['an empty header', ''],
  ])('refuses %s', (_what, header) => {
    expect(signed(header)).toStrictEqual({ authentic: false, why: expect.any(String) as string });
  });

  it('refuses a callback without a signature, whatever it knows else', () => {
    const secrets = { signingSecret: SECRET, authorization: 'the-key' };
    expect(parse(NOTIFICATION, secrets, { authorization: 'Basic the-key' })).toStrictEqual({
      authentic: false,
      why: 'no signature',
    });
  });
});

it('without a signing secret its address was proof: a registered authorization is for other callbacks', () => {
  const secrets = { signingSecret: null, authorization: 'the-key' };
  for (const headers of [{}, { authorization: 'Basic the-key' }, { authorization: 'Basic forged' }]) {
    expect(parse(NOTIFICATION, secrets, headers)).toMatchObject({ authentic: true, batchReference: BULK_ID });
  }
});
