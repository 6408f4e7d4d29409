import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, startSimulator, type OrangeClient } from './orange-client';

const PATH = '/api/notification/v1/merchantcallback';
const SECRET = 'endpoint-secret';

interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  readonly body: { readonly status: string; readonly reference: string };
}

let received: Received[] = [];
let answers: number[] = [];
let client: OrangeClient;

const receiver = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const raw = Buffer.concat(chunks).toString();
    received.push({ url: req.url ?? '', headers: req.headers, raw, body: JSON.parse(raw) as Received['body'] });
    res.writeHead(answers.shift() ?? 202).end();
  });
});

beforeAll(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  client = await startSimulator({
    callbacks: { enabled: true, secret: SECRET },
    httpsHostMap: { 'callbacks.cauri.test': `http://127.0.0.1:${port}` },
    timings: { callbackRetryMs: 10, lateCallbackMs: 100, pendingMs: 50 },
  });
});
afterAll(async () => {
  await client.simulator.close();
  receiver.close();
});
beforeEach(async () => {
  client.simulator.reset();
  received = [];
  answers = [];
  await register('https://callbacks.cauri.test/callbacks/orange/token-1?a=b');
});

function register(callbackUrl: string) {
  return client.send('POST', PATH, { body: { code: '123456', callbackUrl, name: 'cauri', apiKey: 'key-1' } });
}

function validSignature({ headers, raw }: Received): boolean {
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-sonatel-signature']))!;
  return createHmac('sha256', SECRET).update(`${t},${raw}`).digest('hex') === v1;
}

test('only https addresses and six-digit codes of own accounts can be registered; the answer is empty as live', async () => {
  const http = await register('http://callbacks.cauri.test/x');
  const foreign = await client.send('POST', PATH, {
    body: { code: '654321', callbackUrl: 'https://callbacks.cauri.test/x' },
  });
  const short = await client.send('POST', PATH, {
    body: { code: '12345', callbackUrl: 'https://callbacks.cauri.test/x' },
  });
  const fine = await register('https://callbacks.cauri.test/x');
  expect([http, foreign, short].map(({ body }) => body.code)).toEqual(['24', '11', '24']);
  expect([fine.status, fine.text]).toEqual([201, '']);
  const { body } = await client.send('GET', `${PATH}?code=123456`);
  expect(body).toEqual([
    {
      code: '123456',
      callbackUrl: 'https://callbacks.cauri.test/x',
      name: 'cauri',
      msisdn: null,
      apiKey: 'key-1',
      createdAt: expect.stringMatching(/^\d\d-\d\d-\d{4} \d\d:\d\d:\d\d$/),
    },
  ]);
});

test('registration can answer with the object and keep the key to itself, as the specification says', async () => {
  client.simulator.configure({ callbacks: { emptyRegistrationBody: false, echoApiKey: false } });
  expect((await register('https://callbacks.cauri.test/x')).body).toMatchObject({ code: '123456' });
  expect((await client.send('GET', PATH)).items[0]).not.toHaveProperty('apiKey');
});

test('a final cash-in is delivered with signature and the registered key', async () => {
  const { body } = await client.cashIn('770002000', 'one');
  expect(received).toEqual([]);
  await eventually(() => received.length === 1);
  const [callback] = received;
  expect(callback!.url).toBe('/callbacks/orange/token-1?a=b');
  expect(callback!.headers).toMatchObject({
    host: 'callbacks.cauri.test',
    authorization: 'Basic key-1',
    'user-agent': 'Sonatel-Client/1.0',
    'content-type': 'application/json',
    'x-sonatel-idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(validSignature(callback!)).toBe(true);
  expect(callback!.body).toEqual({
    amount: { value: 1500, unit: 'XOF' },
    partner: { id: '781234567', idType: 'MSISDN' },
    customer: { id: '770002000', idType: 'MSISDN' },
    reference: 'one',
    type: 'CASHIN',
    channel: 'API',
    transactionId: body.transactionId,
    paymentMethod: 'QRCODE',
    status: 'SUCCESS',
  });
});

test('no secret means no signature, and callbacks are off by default', async () => {
  client.simulator.configure({ callbacks: { secret: null } });
  await client.cashIn('771234567', 'unsigned');
  await eventually(() => received.length === 1);
  expect(received[0]!.headers).not.toHaveProperty('x-sonatel-signature');
  const plain = await startSimulator();
  expect(plain.simulator.config().callbacks.enabled).toBe(false);
  await plain.simulator.close();
});

test('5xx is sent again under the same idempotency key, 4xx never', async () => {
  answers = [500, 503, 202];
  await client.cashIn('771234567', 'again');
  await eventually(() => client.simulator.callbacks().length === 3);
  expect(new Set(received.map(({ headers }) => headers['x-sonatel-idempotency-key'])).size).toBe(1);
  expect(client.simulator.callbacks().map(({ result }) => result)).toEqual([500, 503, 202]);
  answers = [400];
  await client.cashIn('771234567', 'never');
  await eventually(() => client.simulator.callbacks().length === 4);
  await client.cashIn('771234567', 'other');
  await eventually(() => client.simulator.callbacks().length === 5);
  expect(received.filter(({ body }) => body.reference === 'never')).toHaveLength(1);
});

test('a host that is not mapped is never contacted, and that is recorded', async () => {
  await register('https://elsewhere.cauri.test/x');
  await client.cashIn('771234567', 'elsewhere');
  expect(client.simulator.callbacks()).toMatchObject([{ reference: 'elsewhere', result: 'host is not mapped' }]);
});

describe('faults', () => {
  async function delivered(fault: string, count: number): Promise<Received[]> {
    client.simulator.configure({ callbacks: { faults: { [fault]: 1 } } });
    await client.cashIn('770001000', fault);
    await eventually(() => received.length >= count);
    return received;
  }
  afterEach(() => client.simulator.configure({ callbacks: { faults: {} } }));

  test('lost: none is sent', async () => {
    await delivered('lost', 0);
    expect(client.simulator.callbacks()).toMatchObject([{ fault: 'lost', result: 'lost' }]);
    expect(received).toEqual([]);
  });

  test('double: the same event twice', async () => {
    const [one, two] = await delivered('double', 2);
    expect(two!.headers['x-sonatel-idempotency-key']).toBe(one!.headers['x-sonatel-idempotency-key']);
    expect(two!.raw).toBe(one!.raw);
  });

  test('late: after a while', async () => {
    expect((await delivered('late', 1)).map(({ body }) => body.status)).toEqual(['SUCCESS']);
  });

  test('early: before the cash-in is answered', async () => {
    client.simulator.configure({ callbacks: { faults: { early: 1 } } });
    client.simulator.hold({ point: 'after_move' });
    const answer = client.cashIn('770001000', 'early');
    await eventually(() => received.length === 1);
    client.simulator.release();
    expect((await answer).status).toBe(200);
    expect(received).toHaveLength(1);
  });

  test('forged: a contrary one under a wrong key comes before the true one', async () => {
    const both = await delivered('forged', 2);
    expect(both.map((one) => [one.body.status, validSignature(one), one.headers.authorization])).toEqual([
      ['FAILED', false, 'Basic forged'],
      ['SUCCESS', true, 'Basic key-1'],
    ]);
  });

  test('contradictory: both statuses, both authentic', async () => {
    const both = await delivered('contradictory', 2);
    expect(both.map((one) => [one.body.status, validSignature(one)])).toEqual([
      ['SUCCESS', true],
      ['FAILED', true],
    ]);
  });
});
