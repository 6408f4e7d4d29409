import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { createOrangeSimulator } from '../../src/simulators/orange';
import { clientOf, PIN, requestToken, RETAILER, startSimulator, type OrangeClient } from './orange-client';

let client: OrangeClient;

beforeAll(async () => {
  client = await startSimulator();
});
afterAll(() => client.simulator.close());
beforeEach(() => client.simulator.reset());

async function balance(pin: string) {
  return client.send('POST', '/api/eWallet/v1/account/retailer/balance', {
    body: { idType: 'MSISDN', id: RETAILER, encryptedPinCode: await client.encrypt(pin), wallet: 'PRINCIPAL' },
  });
}

describe('tokens', () => {
  test('are issued for 299 seconds by form', async () => {
    const { status, body } = await requestToken(client.simulator.url, {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'bearer',
      expires_in: 299,
      access_token: expect.stringMatching(/\..*\./),
    });
  });

  test('are issued to a client that names itself by Basic, as Sonatel’s own SDK does', async () => {
    const issued = async (secret: string) => {
      const pair = Buffer.from(`sandbox-client:${secret}`).toString('base64');
      const response = await fetch(`${client.simulator.url}/oauth/v1/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${pair}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'email' }),
      });
      return response.status;
    };
    expect([await issued('sandbox-secret'), await issued('wrong')]).toEqual([200, 401]);
  });

  test('tell an unknown client from a wrong secret, in the shape of OAuth', async () => {
    const { url } = client.simulator;
    const wrongSecret = await requestToken(url, { client_secret: 'wrong' });
    const unknown = await requestToken(url, { client_id: 'nobody' });
    const missing = await requestToken(url, { grant_type: 'password' });
    expect([wrongSecret.status, wrongSecret.body.error]).toEqual([401, 'unauthorized_client']);
    expect([unknown.status, unknown.body.error]).toEqual([401, 'invalid_client']);
    expect([missing.status, missing.body.error]).toEqual([400, 'unsupported_grant_type']);
  });

  test('give 401 code 10 when unknown, tampered with, or expired', async () => {
    const fine = await client.send('GET', '/api/account/v1/publicKeys');
    const unknown = await client.send('GET', '/api/account/v1/publicKeys', {
      headers: { Authorization: 'Bearer x.y.z' },
    });
    client.simulator.expireTokens();
    const expired = await client.send('GET', '/api/account/v1/publicKeys');
    await client.renewToken();
    const renewed = await client.send('GET', '/api/account/v1/publicKeys');
    expect([fine.status, unknown.status, expired.status, renewed.status]).toEqual([200, 401, 401, 200]);
    expect(expired.type).toContain('application/problem+json');
    expect(expired.body).toMatchObject({ status: '401', code: '10', instance: '/api/account/v1/publicKeys' });
  });

  test('expire by their own life', async () => {
    const short = await startSimulator({ tokenLifeSeconds: 0.05 });
    const token = await short.token();
    let status = 200;
    while (status === 200) {
      const headers = { Authorization: `Bearer ${token}` };
      ({ status } = await short.send('GET', '/api/account/v1/publicKeys', { headers }));
    }
    expect(status).toBe(401);
    await short.simulator.close();
  });
});

describe('the gateway', () => {
  test('asks for a JSON content type where a body is taken and on the list of callbacks, as seen live, and on no other GET', async () => {
    const bare = async (method: string, path: string, body?: string) => {
      const headers = { Authorization: `Bearer ${await client.token()}` };
      const response = await fetch(`${client.simulator.url}${path}`, { method, headers, ...(body ? { body } : {}) });
      return [response.status, response.ok ? null : ((await response.json()) as { detail: string }).detail];
    };
    const unsupported = [415, "Unsupported media type, it should be 'application/json'"];
    expect(await bare('GET', '/api/account/v1/publicKeys')).toEqual([200, null]);
    expect(await bare('GET', '/api/eWallet/v1/transactions')).toEqual([200, null]);
    expect(await bare('GET', `/api/eWallet/v1/account?msisdn=${RETAILER}`)).toEqual([200, null]);
    expect(await bare('GET', '/api/notification/v1/merchantcallback')).toEqual(unsupported);
    expect(await bare('POST', '/api/eWallet/v1/cashins', '{}')).toEqual(unsupported);
  });

  test('refuses a body that is too large, and a refresh token as a bearer', async () => {
    const large = await client.send('POST', '/api/eWallet/v1/cashins', { body: 'x'.repeat(3_000_000) });
    const { body } = await requestToken(client.simulator.url, {});
    const headers = { Authorization: `Bearer ${body.refresh_token}` };
    const refreshed = await client.send('GET', '/api/account/v1/publicKeys', { headers });
    expect([large.body.code, refreshed.body.code]).toEqual(['22', '10']);
  });

  test('answers unknown paths with 60 and wrong methods with 61', async () => {
    const unknown = await client.send('GET', '/api/eWallet/v4/transactions');
    const wrong = await client.send('DELETE', '/api/eWallet/v1/cashins');
    expect([unknown.status, unknown.body.code, wrong.status, wrong.body.code]).toEqual([404, '60', 405, '61']);
  });

  test('names the methods of a path with 405', async () => {
    const allowed = async (method: string, path: string) => {
      const response = await fetch(`${client.simulator.url}${path}`, { method });
      return [response.status, response.headers.get('allow')];
    };
    expect(await allowed('DELETE', '/api/eWallet/v1/cashins')).toEqual([405, 'POST']);
    expect(await allowed('PUT', '/api/eWallet/v1/account')).toEqual([405, 'GET, HEAD, PATCH']);
    expect(await allowed('GET', '/api/eWallet/v1/bulkcashins')).toEqual([405, 'POST']);
    expect(await allowed('GET', '/oauth/v1/token')).toEqual([405, 'POST']);
  });

  test('limits a client to so many requests a minute, tokens included', async () => {
    const limited = clientOf(await createOrangeSimulator({ rateLimitPerMinute: 3 }));
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await limited.send('GET', '/api/account/v1/publicKeys')).status);
    const token = await requestToken(limited.simulator.url, {});
    expect(statuses).toEqual([200, 200, 429]);
    expect([token.status, token.body.code]).toEqual([429, '9']);
    limited.simulator.configure({ rateLimitPerMinute: null });
    expect((await limited.send('GET', '/api/account/v1/publicKeys')).status).toBe(200);
    await limited.simulator.close();
  });
});

describe('a cash-in', () => {
  const send = async (override: Record<string, unknown>) => {
    const { status, body } = await client.send('POST', '/api/eWallet/v1/cashins', {
      body: await client.cashInBody('771234567', 'r', override),
    });
    return status === 200 ? 200 : [status, body.code, ...body.violations.map(({ field }) => field)];
  };

  test('takes a request date as a date-time, or as the number of seconds that Sonatel’s own SDK sends', async () => {
    for (const requestDate of ['2026-01-01T10:00:00Z', '2024-02-29T10:00:00.123+01:00', 1_767_261_600.123_456, null])
      expect(await send({ requestDate, receiveNotification: true })).toBe(200);
    const [numeric] = client.simulator
      .transactions()
      .transactions.filter(({ requestDate }) => requestDate?.endsWith('.123Z'));
    expect(numeric?.requestDate).toBe('2026-01-01T10:00:00.123Z');
  });

  test('refuses a request date that is none, and a receiveNotification that is no boolean', async () => {
    const dates = [
      '2026-01-01T10:00zzz',
      '2026-02-30T10:00:00Z',
      '2026-13-01T10:00:00Z',
      'today',
      '',
      '1767261600',
      -1,
      {},
    ];
    for (const requestDate of dates) expect(await send({ requestDate })).toEqual([400, '24', 'requestDate']);
    for (const receiveNotification of ['yes', 'true', 1, []])
      expect(await send({ receiveNotification })).toEqual([400, '24', 'receiveNotification']);
  });
});

describe('the PIN', () => {
  test('that must be changed is answered 2010 by every call that takes it, until it is changed', async () => {
    client.simulator.putAccount({ msisdn: RETAILER, mustChangePin: true });
    const pay = async (pin: string) => {
      const partner = { idType: 'MSISDN', id: RETAILER, encryptedPinCode: await client.encrypt(pin) };
      return await client.cashIn('771234567', 'r', { body: await client.cashInBody('771234567', 'r', { partner }) });
    };
    expect([(await balance(PIN)).body.code, (await pay(PIN)).body.code]).toEqual(['2010', '2010']);
    expect((await balance('0000')).body.code).toBe('2011');
    const changed = await client.send('PATCH', `/api/eWallet/v1/account?msisdn=${RETAILER}&type=retailer`, {
      body: { encryptedPinCode: await client.encrypt(PIN), encryptedNewPinCode: await client.encrypt('8642') },
    });
    expect(changed.status).toBe(200);
    expect([(await balance('8642')).status, (await pay('8642')).status]).toEqual([200, 200]);
  });

  test('that a magic recipient says must be changed is fine once it was', async () => {
    expect((await client.cashIn('770022001', 'r')).body.code).toBe('2010');
    await client.send('PATCH', `/api/eWallet/v1/account?msisdn=${RETAILER}&type=retailer`, {
      body: { encryptedPinCode: await client.encrypt(PIN), encryptedNewPinCode: await client.encrypt(PIN) },
    });
    expect((await client.cashIn('770022001', 'r')).status).toBe(200);
  });

  test('is answered 2011, 2012, 2013 over all endpoints that take it, and then blocks the account', async () => {
    const first = await balance('0000');
    const wrong = { partner: { idType: 'MSISDN', id: RETAILER, encryptedPinCode: await client.encrypt('0000') } };
    const second = await client.cashIn('771234567', 'r', { body: await client.cashInBody('771234567', 'r', wrong) });
    const third = await client.send('PATCH', `/api/eWallet/v1/account?msisdn=${RETAILER}&type=retailer`, {
      body: { encryptedPinCode: await client.encrypt('0000'), encryptedNewPinCode: await client.encrypt('1111') },
    });
    const right = await balance(PIN);
    expect([first, second, third, right].map(({ body }) => body.code)).toEqual(['2011', '2012', '2013', '2013']);
    client.simulator.putAccount({ msisdn: RETAILER, blocked: false });
    expect((await balance(PIN)).status).toBe(200);
    expect(client.simulator.ledger().credits).toEqual([]);
    expect(client.simulator.requests()).toMatchObject({ pinBearing: 5, pinsChecked: 5, pinsWrong: 3 });
  });

  test('resets the count when it is right', async () => {
    const codes = [];
    for (const pin of ['0', '0', PIN, '0']) codes.push((await balance(pin)).body.code ?? 'fine');
    expect(codes).toEqual(['2011', '2012', 'fine', '2011']);
  });

  test('made with a key that was rolled, or with another padding, gets 4003 and costs no try', async () => {
    const old = await client.encrypt('0000');
    const { body } = await client.send('GET', '/api/account/v1/publicKeys');
    const key = createPublicKey({ key: Buffer.from(body.key, 'base64'), format: 'der', type: 'spki' });
    const oaep = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, Buffer.from(PIN)).toString('base64');
    await client.simulator.rollKey();
    const request = { idType: 'MSISDN', id: RETAILER };
    for (const encryptedPinCode of [old, oaep]) {
      const answer = await client.send('POST', '/api/eWallet/v1/account/retailer/balance', {
        body: { ...request, encryptedPinCode },
      });
      expect([answer.status, answer.body.code]).toEqual([400, '4003']);
    }
    expect(client.simulator.requests().pinsChecked).toBe(0);
    expect((await client.send('GET', '/api/account/v1/publicKeys')).body.keyId).not.toBe(body.keyId);
  });

  test('may be long, and can be changed', async () => {
    const long = 'CANARY-pin-of-thirty-two-chars-32';
    expect(() => client.simulator.putAccount({ msisdn: RETAILER, pin: long.slice(0, 32) })).not.toThrow();
    const changed = await client.send('PATCH', `/api/eWallet/v1/account?msisdn=${RETAILER}&type=retailer`, {
      body: {
        encryptedPinCode: await client.encrypt(long.slice(0, 32)),
        encryptedNewPinCode: await client.encrypt('9999'),
      },
    });
    expect(changed.body).toMatchObject({ status: 'SUCCESS', transactionId: expect.stringMatching(/^.{20}$/) });
    expect((await balance('9999')).body).toEqual({ value: 100_000_000, unit: 'XOF' });
  });

  test('change can lose its answer after it was done', async () => {
    client.simulator.configure({ endpointFaults: { changePin: { lost_after: 1 } } });
    const body = { encryptedPinCode: await client.encrypt(PIN), encryptedNewPinCode: await client.encrypt('9999') };
    await expect(client.send('PATCH', `/api/eWallet/v1/account?msisdn=${RETAILER}`, { body })).rejects.toThrow();
    expect((await balance('9999')).status).toBe(200);
  });
});

describe('a cash-in request', () => {
  test('of the wrong shape lists every violation: 23 when something is missing, else 24', async () => {
    const missing = await client.cashIn('x', 'r', {
      body: { partner: { id: RETAILER }, amount: { value: 0, unit: 'XOF' } },
    });
    expect([missing.status, missing.body.code, missing.body.status]).toEqual([400, '23', '400']);
    expect(missing.body.violations.map(({ field }) => field)).toEqual([
      'partner.idType',
      'partner.encryptedPinCode',
      'customer',
      'amount.value',
    ]);
    const short = { partner: { idType: 'MSISDN', id: RETAILER, encryptedPinCode: 'abc' } };
    const invalid = await client.cashIn('x', 'r', { body: await client.cashInBody('221771234567', 'r', short) });
    expect(invalid.body.code).toBe('24');
    expect(invalid.body.violations).toEqual([
      { field: 'partner.encryptedPinCode', message: 'size must be between 344 and 344' },
      { field: 'customer.id', message: 'must match "^\\d{9}$"' },
    ]);
  });

  test('without a body gets 21, with broken JSON 22', async () => {
    const none = await client.send('POST', '/api/eWallet/v1/cashins');
    const broken = await client.send('POST', '/api/eWallet/v1/cashins', { body: '{"partner":' });
    expect([none.body.code, broken.body.code]).toEqual(['21', '22']);
  });

  test('for an account of another client gets 403 code 11', async () => {
    const clients = [{ clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: ['999999'] }];
    const other = await startSimulator({ clients });
    const answer = await other.cashIn('771234567', 'r');
    expect([answer.status, answer.body.code]).toEqual([403, '11']);
    await other.simulator.close();
  });

  test('is refused above the float, the ceiling, and for a suspended wallet', async () => {
    const codes = [];
    client.simulator.putAccount({ msisdn: RETAILER, float: 1499 });
    codes.push((await client.cashIn('771234567', 'a')).body.code);
    client.simulator.putAccount({ msisdn: RETAILER, float: 10_000 });
    client.simulator.putAccount({ msisdn: '771234567', ceiling: 1600 });
    codes.push((await client.cashIn('771234567', 'b')).body.status);
    codes.push((await client.cashIn('771234567', 'c')).body.code);
    client.simulator.putAccount({ msisdn: '771111111', suspended: true });
    codes.push((await client.cashIn('771111111', 'd')).body.code);
    expect(codes).toEqual(['2021', 'SUCCESS', '2025', '2043']);
    expect(client.simulator.ledger()).toMatchObject({ sumsToZero: true, credits: [{ reference: 'b', amount: 1500 }] });
  });

  test('takes a string amount, an account code, and moves money twice for a reference sent twice', async () => {
    const partner = { idType: 'CODE', id: '000123456', encryptedPinCode: await client.encrypt(PIN) };
    const override = { partner, amount: { value: '700', unit: 'XOF' } };
    const body = await client.cashInBody('771234567', 'same', override);
    const answers = [await client.cashIn('', '', { body }), await client.cashIn('', '', { body })];
    expect(answers.map((answer) => answer.body.status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(answers[0]!.body).toMatchObject({
      reference: 'same',
      transactionId: expect.stringMatching(/^CI\d{6}\.\d{4}\.[A-Z]\d{5}$/),
    });
    expect(client.simulator.ledger().credits.map(({ amount }) => amount)).toEqual([700, 700]);
    expect(client.simulator.requests().cashInsByReference).toEqual({ same: 2 });
  });
});

describe('transaction search', () => {
  test('shows bare arrays of rows with float amounts, without PIN and names', async () => {
    const { body } = await client.cashIn('771234567', 'one');
    const answer = await client.send('GET', '/api/eWallet/v1/transactions?reference=one');
    expect(answer.text).toContain('"amount":{"value":1500.0,"unit":"XOF"}');
    expect(answer.body).toEqual([
      expect.objectContaining({
        transactionId: body.transactionId,
        type: 'CASHIN',
        status: 'SUCCESS',
        reference: 'one',
        partner: { id: RETAILER, idType: 'MSISDN', walletType: 'PRINCIPAL' },
        customer: { id: '771234567', idType: 'MSISDN', walletType: 'PRINCIPAL' },
      }),
    ]);
    expect(await client.search('reference=none')).toEqual([]);
    const status = await client.send('GET', `/api/eWallet/v1/transactions/${body.transactionId}/status`);
    expect(status.text).toBe('{"status":"SUCCESS"}');
  });

  test('pages from 0 and filters by status, time and id', async () => {
    const ids = [];
    for (const reference of ['a', 'b', 'c']) ids.push((await client.cashIn('771234567', reference)).body.transactionId);
    await client.cashIn('770006000', 'refused');
    const pages = [
      await client.search('page=0&size=3'),
      await client.search('page=1&size=3'),
      await client.search('page=2&size=3'),
    ];
    expect(pages.map((page) => page.map((row) => row.reference))).toEqual([['refused', 'c', 'b'], ['a'], []]);
    expect((await client.search('status=FAILED')).map((row) => row.reference)).toEqual(['refused']);
    expect((await client.search(`transactionId=${ids[1]}`)).map((row) => row.reference)).toEqual(['b']);
    const past = new Date(Date.now() - 120_000).toISOString().slice(0, 19);
    expect(await client.search(`fromDateTime=${past}`)).toHaveLength(4);
    expect(await client.search(`toDateTime=${past}`)).toEqual([]);
    expect(await client.search(`bulkId=a1b2c3d4-e5f6-7890-1234-567890abcdef`)).toEqual([]);
  });

  test('answers [] for any type, as the live one does, until that is repaired', async () => {
    await client.cashIn('771234567', 'one');
    expect(await client.search('type=CASHIN')).toEqual([]);
    client.simulator.configure({ typeFilterBroken: false });
    expect(await client.search('type=CASHIN')).toHaveLength(1);
    expect(await client.search('type=WEB_PAYMENT')).toEqual([]);
  });

  test('refuses bad parameters with 28, ids of another length with 20, unknown ids with 60', async () => {
    const bad = await client.send('GET', '/api/eWallet/v1/transactions?page=-1&size=501&status=DONE');
    expect([bad.status, bad.body.code, bad.body.violations.length]).toEqual([400, '28', 3]);
    const short = await client.send('GET', '/api/eWallet/v1/transactions/CI1/status');
    const unknown = await client.send('GET', '/api/eWallet/v1/transactions/CI220928.1029.C58502/status');
    expect([short.body.code, unknown.body.code]).toEqual(['20', '60']);
  });

  test('does not show another client its rows', async () => {
    const both = await startSimulator({
      clients: [
        { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: ['123456'] },
        { clientId: 'other', clientSecret: 'other', retailerCodes: [] },
      ],
    });
    await both.cashIn('771234567', 'mine');
    const token = await requestToken(both.simulator.url, { client_id: 'other', client_secret: 'other' });
    const headers = { Authorization: `Bearer ${token.body.access_token}` };
    expect((await both.send('GET', '/api/eWallet/v1/transactions', { headers })).body).toEqual([]);
    expect(await both.search('reference=mine')).toHaveLength(1);
    await both.simulator.close();
  });
});

describe('accounts', () => {
  test('show a profile with balance and without a PIN', async () => {
    const { body } = await client.send('GET', `/api/eWallet/v1/account?msisdn=${RETAILER}&type=retailer`);
    expect(body).toMatchObject({ msisdn: RETAILER, type: 'retailer', balance: { value: 100_000_000, unit: 'XOF' } });
    const notRetailer = await client.send('GET', '/api/eWallet/v1/account?msisdn=771234567&type=retailer');
    const missing = await client.send('GET', '/api/eWallet/v1/account');
    expect([notRetailer.body.code, missing.body.code]).toEqual(['60', '27']);
  });

  test('are searched by msisdn and names, with chosen fields', async () => {
    const query = 'msisdn=771234567&firstName=A&lastName=B&fields=msisdn,grade';
    expect((await client.send('GET', `/api/eWallet/v1/accounts?${query}`)).body).toEqual([
      { msisdn: '771234567', grade: 'Full' },
    ]);
    expect((await client.send('GET', '/api/eWallet/v1/accounts?msisdn=771234567')).body.code).toBe('27');
  });

  test('of the sandbox are listed with their PIN, which works', async () => {
    const { items } = await client.send('GET', '/api/assignments/v1/partner/sim-cards?nbRetailers=1&nbCustomers=1');
    expect(items.map((card) => [card.type, card.msisdn])).toEqual([
      ['RETAILER', RETAILER],
      ['CUSTOMER', '779900001'],
    ]);
    const customer = await client.send('POST', '/api/eWallet/v1/account/customer/balance', {
      body: { idType: 'MSISDN', id: items[1]!.msisdn, encryptedPinCode: await client.encrypt(items[1]!.pinCode) },
    });
    expect(customer.body).toEqual({ value: 0, unit: 'XOF' });
  });
});
