import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

import { gzipSync } from 'node:zlib';

import { createRoutes } from '../../src/api/routes';
import { payoutRequest, seedMerchant, seedOperator, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';

let app: TestApp;
let merchant: TestMerchant;
/** Payouts that were taken. */
let taken = 0;
beforeAll(async () => {
  // The codec answers as on a development machine: its routes take JSON too.
  app = await startTestApp({}, { ALLOW_LOOPBACK_CODEC: true });
  merchant = await seedMerchant(app.pool);
});
afterAll(async () => {
  const { rows } = await app.pool.query('select from payouts where customer_enc is not null limit 10');
  await app.close();
  // Nothing of all this left a payout, but for the good ones.
  expect(rows).toHaveLength(taken);
});

const post = (body: unknown): Promise<ApiAnswer> =>
  app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body });

describe('fields', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['a decimal', { amount: 10.5 }, ['/amount']],
    ['a decimal in a string', { amount: '10.50' }, ['/amount']],
    ['a negative', { amount: -5 }, ['/amount']],
    ['zero', { amount: 0 }, ['/amount']],
    ['a word', { amount: 'many' }, ['/amount']],
    ['an exponent in a string', { amount: '1e3' }, ['/amount']],
    ['above 2^53', { amount: 2 ** 60 }, ['/amount']],
    ['above bigint', { amount: '99999999999999999999' }, ['/amount']],
    ['above the ceiling', { amount: '1000000000001' }, ['/amount']],
    ['an amount of another kind', { amount: { value: 5 } }, ['/amount']],
    ['no amount', { amount: undefined }, ['/amount']],
    ['an amount that is null', { amount: null }, ['/amount']],
    ['an unknown currency', { currency: 'FCFA' }, ['/currency']],
    ["another method's currency", { currency: 'EUR' }, ['/currency']],
    ['an unknown method', { method: 'orange_fr' }, ['/method']],
    ['a method that is a property of every object', { method: 'constructor' }, ['/method']],
    ['no recipient', { recipient: undefined }, ['/recipient']],
    ['an empty recipient', { recipient: {} }, ['/recipient/msisdn']],
    ['a recipient that is a list', { recipient: [] }, ['/recipient']],
    ['another country', { recipient: { msisdn: '+33612345678' } }, ['/recipient/msisdn']],
    ['a landline', { recipient: { msisdn: '338210000' } }, ['/recipient/msisdn']],
    ['no number', { recipient: { msisdn: 'call me' } }, ['/recipient/msisdn']],
    ['an unknown field of the recipient', { recipient: { msisdn: '771234567', iban: 'X' } }, ['/recipient/iban']],
    ['no customer', { customer: undefined }, ['/customer']],
    ['a customer without a name', { customer: { email: 'a@b.co' } }, ['/customer/first_name', '/customer/last_name']],
    [
      'a customer with a bad address',
      { customer: { email: 'a', first_name: ' ', last_name: 'N', country: 'Senegal' } },
      ['/customer/country', '/customer/email', '/customer/first_name'],
    ],
    ['an empty description', { description: '   ' }, ['/description']],
    ['a long description', { description: 'x'.repeat(256) }, ['/description']],
    ['a NUL', { description: 'a\u0000b' }, ['/description']],
    ['a lone surrogate', { description: 'a\ud800b' }, ['/description']],
    ['a NUL in the metadata', { metadata: { a: '\u0000' } }, ['/metadata']],
    ['metadata of another kind', { metadata: { a: 1 } }, ['/metadata/a']],
    ['a bad metadata key', { metadata: { 'a b': 'x' } }, ['/metadata']],
    [
      'much metadata',
      { metadata: Object.fromEntries([...Array(21).keys()].map((n) => [`k${n}`, 'x'])) },
      ['/metadata'],
    ],
    ['a past time', { scheduled_at: '2020-01-01T00:00:00Z' }, ['/scheduled_at']],
    ['a far time', { scheduled_at: '2999-01-01T00:00:00Z' }, ['/scheduled_at']],
    ['a time without offset', { scheduled_at: '2030-01-01T00:00:00' }, ['/scheduled_at']],
    ['no time', { scheduled_at: 'soon' }, ['/scheduled_at']],
    ['a unique reference without one', { reference_unique: true }, ['/reference']],
    ['an unknown field', { amout: 5 }, ['/amout']],
    ['a field with a slash', { 'a/b~c': 5 }, ['/a~1b~0c']],
    [
      'much at once',
      { amount: 1.5, currency: 'EUR', recipient: { msisdn: '1' }, customer: null, more: 1 },
      ['/amount', '/currency', '/customer', '/more', '/recipient/msisdn'],
    ],
  ])('%s is refused by pointer', async (_name, changes, pointers) => {
    const answer = await post(payoutRequest(changes));
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    expect(answer.body.errors.map(({ pointer }) => pointer).sort()).toEqual(pointers);
    expect(answer.body.errors.every(({ detail }) => detail.length > 10)).toBe(true);
  });

  test('a missing key and a time that has passed are named beside the fields', async () => {
    const body = payoutRequest({ amount: 0, currency: 'EUR', scheduled_at: '2020-01-01T00:00:00Z' });
    const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, body });
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    const named = answer.body.errors.map((error) => error.pointer ?? (error as { header?: string }).header);
    expect(named.sort()).toEqual(['/amount', '/currency', '/scheduled_at', 'Idempotency-Key']);
  });

  test.each([['[]'], ['null'], ['7'], ['"text"']])('a body that is %s is refused', async (raw) => {
    const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: 'k', raw });
    expect([answer.status, answer.body.errors[0]?.pointer]).toEqual([422, '']);
  });

  test('the largest good numbers are taken as they are', async () => {
    const answer = await post(payoutRequest({ amount: '0000000999999', description: '  é\u{1F600} ' }));
    taken += 1;
    expect(answer.body).toMatchObject({ amount: '999999', description: 'é\u{1F600}' });
  });
});

describe('requests', () => {
  const send = (request: Parameters<TestApp['request']>[2]): Promise<ApiAnswer> =>
    app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), ...request });

  test('a compressed body is read', async () => {
    const raw = gzipSync(JSON.stringify(payoutRequest({ amount: 1 })));
    expect((await send({ raw, headers: { 'content-encoding': 'gzip' } })).status).toBe(202);
    taken += 1;
  });

  test.each<[string, Parameters<TestApp['request']>[2], number, string]>([
    ['malformed JSON', { raw: '{"amount": 5,' }, 400, 'malformed_json'],
    ['no body', {}, 400, 'malformed_json'],
    ['another type', { raw: 'amount=5', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
    [
      'another charset',
      { raw: '{}', headers: { 'content-type': 'application/json; charset=x' } },
      415,
      'unsupported_media_type',
    ],
    ['another compression', { raw: '{}', headers: { 'content-encoding': 'zip' } }, 415, 'unsupported_media_type'],
    ['broken compression', { raw: '{}', headers: { 'content-encoding': 'gzip' } }, 400, 'malformed_request'],
    [
      'a compressed giant',
      { raw: gzipSync(' '.repeat(100_000)), headers: { 'content-encoding': 'gzip' } },
      413,
      'body_too_large',
    ],
    ['a giant', { raw: ' '.repeat(100_000) }, 413, 'body_too_large'],
    ['no key of idempotency', { idempotencyKey: '', body: payoutRequest() }, 400, 'idempotency_key_missing'],
    ['a long key', { idempotencyKey: 'k'.repeat(256), body: payoutRequest() }, 400, 'idempotency_key_invalid'],
    ['a key with a space', { idempotencyKey: 'a b', body: payoutRequest() }, 400, 'idempotency_key_invalid'],
  ])('%s is refused', async (_name, request, status, code) => {
    const answer = await send(request);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'));
  });

  describe('JSON that two readers would read otherwise is refused on every route', () => {
    // With ids that name nothing: the body is looked at first.
    const routes = createRoutes({ PUBLIC_URL: 'https://cauri.example' }).filter(({ body }) => body !== undefined);
    const pathOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => IDS[name] ?? 'none');
    const IDS: Readonly<Record<string, string>> = {
      payoutId: `po_${'0'.repeat(26)}`,
      bulkId: `bulk_${'0'.repeat(26)}`,
      endpointId: `whe_${'0'.repeat(26)}`,
    };
    const each = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);

    const sendTo = async (route: (typeof routes)[number], raw: Buffer | string): Promise<ApiAnswer> => {
      const key = route.access === 'operator' ? (await seedOperator(app.pool)).key : merchant.key;
      return await app.request(route.method.toUpperCase(), pathOf(route.path), {
        ...{ key, idempotencyKey: randomUUID(), raw },
        // The codec answers the page of Temporal's UI alone.
        headers: { 'content-type': 'application/json', origin: app.deps.config.TEMPORAL_UI_URL },
      });
    };

    test.each(each)('%s: no UTF-8', async (_name, route) => {
      for (const name of ['Andr\xe9', 'Andr\xe8']) {
        const answer = await sendTo(route, Buffer.from(JSON.stringify(payoutRequest({ description: name })), 'latin1'));
        expect([answer.status, answer.body.code]).toEqual([400, 'malformed_json']);
        expect(answer.body.detail).toContain('not UTF-8');
      }
    });

    test.each(each)('%s: a member that is named twice', async (_name, route) => {
      const answer = await sendTo(route, '{"amount":5000,"\\u0061mount":50000,"customer":{"email":1}}');
      expect([answer.status, answer.body.code, answer.body.errors]).toEqual([
        ...[422, 'invalid_request'],
        [{ pointer: '/amount', detail: 'is named twice: leave one out' }],
      ]);
    });

    test('a member deep inside is named by its pointer', async () => {
      const raw = JSON.stringify(payoutRequest()).replace('"customer":{', '"customer":{"email":"b@example.com",');
      expect((await send({ raw })).body.errors).toMatchObject([{ pointer: '/customer/email' }]);
      const listed = '{"a":[{"b":1},{"b":{"c":1,"d":2,"c":3}}]}';
      expect((await send({ raw: listed })).body.errors).toMatchObject([{ pointer: '/a/1/b/c' }]);
    });

    test('one name in two objects, and names in texts, are no second naming', async () => {
      const metadata = { note: '{"a":1,"a":2}', 'a.b': '"', note2: '\\"note":1' };
      const { key } = await seedMerchant(app.pool);
      expect((await send({ key, body: payoutRequest({ metadata }) })).status).toBe(202);
      taken += 1;
    });

    test('two requests that are no UTF-8 never meet as one', async () => {
      const idempotencyKey = randomUUID();
      const statuses = [];
      for (const name of ['Andr\xe9', 'Andr\xe8']) {
        const raw = Buffer.from(JSON.stringify(payoutRequest({ description: name })), 'latin1');
        statuses.push((await send({ raw, idempotencyKey })).status);
      }
      expect(statuses).toEqual([400, 400]);
    });
  });

  test('a body that is too large is told the limit', async () => {
    expect((await send({ raw: ' '.repeat(30_000) })).body).toMatchObject({ limit: 20_000 });
  });

  test.each([
    ['GET', '/', 404],
    ['GET', '/v2/payouts', 404],
    ['GET', '/v1/payouts/', 404],
    ['GET', '/v1/payouts/po_1', 404],
    ['GET', '/v1/payouts/%00', 404],
    ['GET', '/v1/payouts/%E0%A4%A', 400],
    ['GET', '/v1/payouts/../../etc/passwd', 404],
    ['GET', '/docs/assets/../package.json', 404],
    ['GET', '/docs/assets/%2e%2e%2fpackage.json', 404],
  ])('%s %s is answered with a problem', async (method, path, status) => {
    const answer = await app.request(method, path, { key: merchant.key });
    expect([answer.status, answer.body.code]).toEqual([status, status === 404 ? 'not_found' : 'malformed_request']);
  });

  test('a wrong method is told the right ones', async () => {
    const answer = await app.request('PUT', '/v1/payouts', { key: merchant.key });
    expect([answer.status, answer.body.code, answer.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      'POST, GET, HEAD',
    ]);
  });
});

describe('keys', () => {
  test.each([
    ['none', {}],
    ['nonsense', { authorization: 'Bearer x' }],
    ['another scheme', { authorization: 'Basic eDp5' }],
    ['one that is well-formed and unknown', { authorization: `Bearer cauri_live_abcdefgh_${'A'.repeat(43)}` }],
  ])('%s is refused before the body is read', async (_name, headers) => {
    const answer = await app.request('POST', '/v1/payouts', { headers, raw: '{broken' });
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('a revoked key is refused', async () => {
    const { key, id } = await seedMerchant(app.pool);
    expect((await app.request('GET', '/v1/payouts', { key })).status).toBe(200);
    await app.pool.query('update api_keys set revoked_at = now() where merchant_id = $1', [id]);
    expect((await app.request('GET', '/v1/payouts', { key })).status).toBe(401);
  });

  test("a merchant's key opens no operator's route, and an operator's no merchant's", async () => {
    const operator = await seedOperator(app.pool);
    for (const answer of [
      await app.request('GET', '/v1/payouts', { key: operator.key }),
      await app.request('GET', '/v1/webhook-endpoints', { key: merchant.key }),
      await app.request('POST', '/v1/webhook-endpoints', { key: merchant.key, body: {} }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([403, 'wrong_role']);
    }
  });

  test('only a hash of a key is stored', async () => {
    const { rows } = await app.pool.query<{ row: string }>('select api_keys::text as row from api_keys');
    const secret = merchant.key.split('_')[3]!;
    expect(rows.some(({ row }) => row.includes(secret))).toBe(false);
  });
});

describe('the wire', () => {
  /** Sends bytes and returns all that comes back until the server closes. */
  async function raw(bytes: string): Promise<string> {
    const socket = connect(app.port, '127.0.0.1');
    socket.write(bytes);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  test.each([
    ['large headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['no HTTP', 'hello\r\n\r\n', 400, 'malformed_request'],
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\n', 408, 'request_timeout'],
  ])('%s end with a problem', async (_name, bytes, status, code) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
  });
});

test('answers carry protective headers, and none that tells the software', async () => {
  const { headers } = await app.request('GET', '/livez');
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(headers.get('cache-control')).toBe('no-store');
});

test('each request has one log line with ids, without address, query or body', async () => {
  app.logLines.length = 0;
  const answer = await app.request('GET', '/v1/payouts?reference=SECRET-REFERENCE', { key: merchant.key });
  while (app.logLines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(app.logLines).toHaveLength(1);
  expect(JSON.parse(app.logLines[0]!)).toMatchObject({
    requestId: answer.headers.get('x-request-id'),
    method: 'GET',
    route: '/v1/payouts',
    status: 200,
    merchant: merchant.id,
  });
  expect(app.logLines.join()).not.toContain('SECRET-REFERENCE');
});
