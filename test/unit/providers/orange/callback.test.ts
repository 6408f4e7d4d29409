import { createHmac } from 'node:crypto';
import { createOrangeProvider } from '../../../../src/providers/orange';
import type { CallbackSecrets, ParsedCallback } from '../../../../src/domain/callback';

const NOW = new Date('2026-01-01T10:00:00Z');
const SECRET = 'endpoint-secret';
const SIGNED: CallbackSecrets = { signingSecret: SECRET, authorization: null };
const AUTHORIZED: CallbackSecrets = { signingSecret: null, authorization: 'the-key' };
const BARE: CallbackSecrets = { signingSecret: null, authorization: null };
const NOTIFICATION = {
  amount: { value: 1500, unit: 'XOF' },
  partner: { idType: 'MSISDN', id: '781234567' },
  customer: { idType: 'MSISDN', id: '771234567' },
  reference: 'sub_0001',
  type: 'CASHIN',
  channel: 'API',
  transactionId: 'CI220928.1029.C58502',
  paymentMethod: 'QRCODE',
  status: 'SUCCESS',
};

const provider = createOrangeProvider({ baseUrl: 'http://127.0.0.1:9' });

function parse(
  secrets: CallbackSecrets,
  headers: Record<string, string> = {},
  body: Buffer | string = JSON.stringify(NOTIFICATION),
): ParsedCallback {
  return provider.parseCallback({ body: Buffer.from(body), headers, receivedAt: NOW }, secrets);
}

function signature(raw: string | Buffer, secondsAgo = 0, secret = SECRET): string {
  const t = NOW.getTime() / 1_000 - secondsAgo;
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t},`).update(raw).digest('hex')}`;
}

function signed(header: string, body: string | Buffer = JSON.stringify(NOTIFICATION)): ParsedCallback {
  return parse(SIGNED, { 'x-sonatel-signature': header }, body);
}

const RAW = JSON.stringify(NOTIFICATION);

describe('with a signing secret', () => {
  it('a right signature is authentic and the callback is read', () => {
    const headers = { 'x-sonatel-signature': signature(RAW), 'x-sonatel-idempotency-key': 'event-1' };
    expect(parse(SIGNED, headers)).toEqual({
      authentic: true,
      eventId: 'event-1',
      reference: 'sub_0001',
      providerReference: 'CI220928.1029.C58502',
      claim: 'success',
      paid: { amount: 1500n, currency: 'XOF', recipient: '+221771234567' },
    });
  });

  it('covers the raw bytes, whatever they are', () => {
    const raw = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(signed(signature(raw), raw)).toMatchObject({ authentic: true, claim: 'other', reference: null });
    expect(signed(signature(RAW), `${RAW} `)).toMatchObject({ authentic: false });
  });

  it('any of several signatures may match', () => {
    const right = signature(RAW);
    const [t, v1] = right.split(',') as [string, string];
    expect(signed(`${t},v1=${'0'.repeat(64)},${v1}`)).toMatchObject({ authentic: true });
    expect(signed(`${t},v1=${'0'.repeat(64)},v1=${'1'.repeat(64)}`)).toMatchObject({ authentic: false });
  });

  it('is accepted for 300 seconds in both directions, counted from its arrival', () => {
    expect([300, 301, -300, -301].map((ago) => signed(signature(RAW, ago)).authentic)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it.each([
    ['another secret', signature(RAW, 0, 'other')],
    ['no time', signature(RAW).replace(/^t=\d+,/, '')],
    ['capital letters', signature(RAW).toUpperCase()],
    ['something behind it', `${signature(RAW)},v2=1`],
    ['an empty header', ''],
  ])('refuses %s', (_what, header) => {
    expect(signed(header)).toMatchObject({ authentic: false });
  });

  it('refuses a callback without a signature, even with a right authorization', () => {
    const secrets = { signingSecret: SECRET, authorization: 'the-key' };
    expect(parse(secrets, { authorization: 'Basic the-key' })).toEqual({ authentic: false, why: 'no signature' });
  });
});

describe('with only a registered authorization', () => {
  it('takes that value as it was registered, and no other', () => {
    expect(parse(AUTHORIZED, { authorization: 'Basic the-key' })).toMatchObject({ authentic: true, claim: 'success' });
    for (const authorization of ['Basic the-ke', 'Basic the-key2', 'the-key', `Basic ${btoa('the-key')}`, '']) {
      expect(parse(AUTHORIZED, { authorization })).toEqual({ authentic: false, why: 'wrong authorization' });
    }
    expect(parse(AUTHORIZED)).toEqual({ authentic: false, why: 'no authorization' });
  });
});

describe('with nothing registered', () => {
  it.each([
    ['a success', { status: 'SUCCESS' }, 'success'],
    ['a failure', { status: 'FAILED' }, 'failed'],
    ['a status that nobody knows', { status: 'PENDING' }, 'other'],
    ['a payment of another kind', { type: 'MERCHANT_PAYMENT' }, 'other'],
  ])('claims %s', (_what, fields, claim) => {
    expect(parse(BARE, {}, JSON.stringify({ ...NOTIFICATION, ...fields }))).toMatchObject({ authentic: true, claim });
  });

  it.each(['', 'hello', '[]', 'null', '{}', '{"reference":{"a":1},"transactionId":7}'])(
    'an unreadable body claims nothing: %s',
    (body) => {
      expect(parse(BARE, {}, body)).toEqual({
        authentic: true,
        eventId: null,
        reference: null,
        providerReference: null,
        claim: 'other',
        paid: { amount: null, currency: null, recipient: null },
      });
    },
  );

  it.each([
    ['another amount', { amount: { value: '1500.5', unit: 'XOF' } }, { amount: -1n }],
    ['an amount in another shape', { amount: 1500 }, { amount: null, currency: null }],
    ['a recipient that is no number', { customer: { id: 'somebody' } }, { recipient: 'somebody' }],
    ['no recipient', { customer: null }, { recipient: null }],
  ])('tells %s as it is', (_what, fields, paid) => {
    expect(parse(BARE, {}, JSON.stringify({ ...NOTIFICATION, ...fields }))).toMatchObject({ claim: 'success', paid });
  });

  it('keeps no reference that a database would refuse', () => {
    const body = JSON.stringify({ ...NOTIFICATION, reference: 'a\u0000b' });
    expect(parse(BARE, {}, body)).toMatchObject({ reference: null, claim: 'success' });
  });
});
