import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BulkScenarioName } from '../../src/simulators/orange';
import { bulkIdOf, lastBulk, linesTo, plain, postBulk } from './bulk-client';
import { eventually, startSimulator, type Answer, type OrangeClient } from './orange-client';

const SECRET = 'endpoint-secret';

interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  readonly body: { readonly type: string; readonly reference: string; readonly status: string };
  /** Rows that were written when it came. */
  readonly rows: number;
}

let received: Received[] = [];
let answers: number[] = [];
let tests = 0;
let client: OrangeClient;

const receiver = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const raw = Buffer.concat(chunks).toString();
    const body = JSON.parse(raw) as Received['body'];
    const rows = client.simulator.transactions().transactions.length;
    // What an earlier test left under way is none of this test's.
    if (req.url === path() || req.url === '/registered')
      received.push({ url: req.url ?? '', headers: req.headers, raw, body, rows });
    res.writeHead(answers.shift() ?? 202).end();
  });
});

beforeAll(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  client = await startSimulator({
    callbacks: { secret: SECRET },
    httpsHostMap: { 'callbacks.cauri.test': `http://127.0.0.1:${port}` },
    bulk: { processingMs: 20 },
    timings: { callbackRetryMs: 10, lateCallbackMs: 400, pendingMs: 30 },
  });
});
afterAll(async () => {
  await client.simulator.close();
  receiver.close();
});
beforeEach(() => {
  tests += 1;
  client.simulator.reset();
  received = [];
  answers = [];
});

function path(): string {
  return `/bulk/chunk-${tests}?a=b`;
}

async function bulk(recipients: readonly string[]): Promise<Answer> {
  const lines = await linesTo(client, recipients);
  return postBulk(client, lines, { 'X-Callback-Url': `https://callbacks.cauri.test${path()}` });
}

function isSigned({ headers, raw }: Received): boolean {
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-sonatel-signature']))!;
  return createHmac('sha256', SECRET).update(`${t},${raw}`).digest('hex') === v1;
}

test('a batch reports its end to the address of its call, once, signed, when its rows are there', async () => {
  const bulkId = bulkIdOf(await bulk(['770002000', '770020000', '770001000']));
  await eventually(() => received.length === 1);
  const [callback] = received;
  expect(callback).toMatchObject({ url: path(), rows: 3 });
  expect(callback!.headers).toMatchObject({
    host: 'callbacks.cauri.test',
    'user-agent': 'Sonatel-Client/1.0',
    'content-type': 'application/json',
    'x-sonatel-idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(callback!.headers).not.toHaveProperty('authorization');
  expect(isSigned(callback!)).toBe(true);
  expect(callback!.body).toEqual({
    type: 'BULK_CASHIN',
    reference: bulkId,
    status: 'SUCCESS',
    description: 'bulk cashin processing finished',
    date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
  await eventually(() => client.simulator.callbacks().length === 1);
  expect(client.simulator.callbacks()).toMatchObject([{ bulkId, transactionId: null, fault: null, result: 202 }]);
});

test('it carries the metadata that all lines share, and the key that the account registered', async () => {
  await client.send('POST', '/api/notification/v1/merchantcallback', {
    body: { code: '123456', callbackUrl: 'https://callbacks.cauri.test/registered', apiKey: 'key-1' },
  });
  const [one, two] = await linesTo(client, plain(2));
  const lines = [
    { ...one, metadata: { batch: 'payroll', line: '1' } },
    { ...two, metadata: { batch: 'payroll', line: '2' } },
  ];
  await postBulk(client, lines, { 'X-Callback-Url': `https://callbacks.cauri.test${path()}` });
  await eventually(() => received.length === 1);
  expect(received[0]!.body).toMatchObject({ metadata: { batch: 'payroll' } });
  expect(received[0]!.body).not.toHaveProperty('metadata.line');
  expect(received[0]!.headers.authorization).toBe('Basic key-1');
});

test('lines have no callback of their own, also where unit cash-ins do', async () => {
  client.simulator.configure({ callbacks: { enabled: true } });
  await client.send('POST', '/api/notification/v1/merchantcallback', {
    body: { code: '123456', callbackUrl: 'https://callbacks.cauri.test/registered' },
  });
  await bulk(plain(2));
  await eventually(() => received.length === 1);
  await client.cashIn('771234567', 'unit');
  await eventually(() => received.length === 2);
  expect(received.map(({ body }) => body.type)).toEqual(['BULK_CASHIN', 'CASHIN']);
});

test('no secret means no signature; 5xx is sent again under the same key, 4xx never', async () => {
  client.simulator.configure({ callbacks: { secret: null } });
  answers = [500, 503, 202];
  await bulk(plain(1));
  await eventually(() => client.simulator.callbacks().length === 3);
  expect(received[0]!.headers).not.toHaveProperty('x-sonatel-signature');
  expect(new Set(received.map(({ headers }) => headers['x-sonatel-idempotency-key'])).size).toBe(1);
  answers = [404];
  const refused = bulkIdOf(await bulk(plain(1)));
  await eventually(() => client.simulator.callbacks().length === 4);
  await bulk(plain(1));
  await eventually(() => client.simulator.callbacks().length === 5);
  expect(received.filter(({ body }) => body.reference === refused)).toHaveLength(1);
});

test('a host that is not mapped is never contacted, and that is recorded', async () => {
  await postBulk(client, await linesTo(client, plain(1)), { 'X-Callback-Url': 'https://elsewhere.cauri.test/x' });
  await eventually(() => client.simulator.callbacks().length === 1);
  expect(client.simulator.callbacks()).toMatchObject([
    { url: 'https://elsewhere.cauri.test/x', result: 'host is not mapped' },
  ]);
});

test('none is sent for a rejected batch, nor where they are off', async () => {
  client.simulator.planBulks({ bulks: [{ scenario: 'bulk_rejected' }, { scenario: 'bulk_rejected_half' }] });
  for (let batch = 0; batch < 2; batch += 1) {
    await bulk(plain(2));
    await eventually(() => lastBulk(client).endedAt !== null);
  }
  client.simulator.configure({ bulk: { callbacks: false } });
  await bulk(plain(2));
  await eventually(() => lastBulk(client).endedAt !== null);
  client.simulator.configure({ bulk: { callbacks: true } });
  const last = bulkIdOf(await bulk(plain(2)));
  await eventually(() => client.simulator.callbacks().length > 0);
  expect(client.simulator.callbacks().map(({ bulkId }) => bulkId)).toEqual([last]);
});

test('a dropped batch says REJECTED, and a lost answer is found by its callback', async () => {
  client.simulator.planBulks({ bulks: [{ scenario: 'bulk_dropped' }, { scenario: 'bulk_lost_after' }] });
  const bulkId = bulkIdOf(await bulk(plain(2)));
  await eventually(() => received.length === 1);
  await expect(bulk(plain(2))).rejects.toThrow();
  await eventually(() => received.length === 2);
  expect(received.map(({ body, rows }) => [body.reference, body.status, rows])).toEqual([
    [bulkId, 'REJECTED', 0],
    [lastBulk(client).bulkId, 'SUCCESS', 2],
  ]);
});

describe('faults', () => {
  async function delivered(fault: string, count: number): Promise<Received[]> {
    client.simulator.configure({ bulk: { callbackFaults: { [fault]: 1 } } });
    await bulk(plain(2));
    await eventually(() => received.length >= count && lastBulk(client).endedAt !== null);
    expect(client.simulator.callbacks().every((attempt) => attempt.fault === fault)).toBe(true);
    return received;
  }
  const told = (): unknown[] =>
    received.map((one) => [one.body.reference === lastBulk(client).bulkId, one.body.status, isSigned(one)]);

  test('lost: none is sent', async () => {
    await delivered('lost', 0);
    expect(client.simulator.callbacks()).toMatchObject([{ fault: 'lost', result: 'lost' }]);
    await client.cashIn('771234567', 'unit');
    expect(received).toEqual([]);
  });

  test('double: the same event twice', async () => {
    const [one, two] = await delivered('double', 2);
    expect(two!.headers['x-sonatel-idempotency-key']).toBe(one!.headers['x-sonatel-idempotency-key']);
    expect(two!.raw).toBe(one!.raw);
  });

  test('late: only a while after the batch has ended', async () => {
    await delivered('late', 0);
    expect(received).toEqual([]);
    await eventually(() => received.length === 1);
    expect(told()).toEqual([[true, 'SUCCESS', true]]);
  });

  test('early: before any row and before the answer, and not again', async () => {
    client.simulator.configure({ bulk: { callbackFaults: { early: 1 } } });
    client.simulator.hold({ point: 'after_bulk' });
    const answer = bulk(plain(2));
    await eventually(() => client.simulator.holds().after_bulk.blocked.length === 1);
    expect(received.map(({ rows }) => rows)).toEqual([0]);
    client.simulator.release();
    expect((await answer).status).toBe(200);
    await eventually(() => lastBulk(client).endedAt !== null);
    client.simulator.configure({ bulk: { callbackFaults: {} } });
    await bulk(plain(1));
    await eventually(() => received.length === 2);
    expect(new Set(received.map(({ body }) => body.reference)).size).toBe(2);
  });

  test('forged: a contrary one under a wrong key comes before the true one', async () => {
    await delivered('forged', 2);
    expect(received[0]!.headers.authorization).toBe('Basic forged');
    expect(told()).toEqual([
      [true, 'FAILED', false],
      [true, 'SUCCESS', true],
    ]);
  });

  test('contradictory: both statuses, both authentic', async () => {
    await delivered('contradictory', 2);
    expect(told()).toEqual([
      [true, 'SUCCESS', true],
      [true, 'FAILED', true],
    ]);
  });

  test('other_bulk_id: an authentic one of a batch that nobody sent comes before the true one', async () => {
    await delivered('other_bulk_id', 2);
    expect(told()).toEqual([
      [false, 'SUCCESS', true],
      [true, 'SUCCESS', true],
    ]);
    expect(received[0]!.body.reference).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([
    ['50', 'bulk_callback_lost', 'lost'],
    ['51', 'bulk_callback_double', 'double'],
    ['52', 'bulk_callback_late', 'late'],
    ['53', 'bulk_callback_early', 'early'],
    ['54', 'bulk_callback_forged', 'forged'],
    ['55', 'bulk_callback_contradictory', 'contradictory'],
    ['56', 'bulk_callback_other_bulk_id', 'other_bulk_id'],
  ] satisfies [string, BulkScenarioName, string][])('7701%snnn is %s', async (code, scenario, fault) => {
    await bulk([`7701${code}000`]);
    expect(lastBulk(client)).toMatchObject({ scenario, callbackFault: fault });
  });
});
