import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOrangeSimulator, optionsFromEnv, SCENARIOS, type Scenario } from '../../src/simulators/orange';
import { bulk } from './bulk-client';
import { eventually, startSimulator, type OrangeClient } from './orange-client';

let client: OrangeClient;
beforeAll(async () => {
  client = await startSimulator();
});
afterAll(() => client.simulator.close());
beforeEach(() => client.simulator.reset());

interface ControlBody {
  readonly error: string;
  readonly undecidable: unknown;
  readonly before_move: { readonly blocked: readonly string[] };
}

async function sim(method: string, path: string, body?: unknown) {
  const response = await fetch(`${client.simulator.url}/_sim/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as ControlBody };
}

test('the reports are the same over HTTP as in process', async () => {
  await client.cashIn('771234567', 'one');
  await client.cashInOrLost('770061000', 'lost');
  await bulk(client, ['770102000']);
  const { simulator } = client;
  await eventually(() => simulator.transactions().references.every(({ answers }) => !answers.includes(null)));
  for (const name of ['ledger', 'transactions', 'bulks', 'requests', 'callbacks', 'config'] as const) {
    expect((await sim('GET', name)).body).toEqual(JSON.parse(JSON.stringify(simulator[name]())));
  }
  expect((await sim('GET', 'transactions')).body.undecidable).toEqual([{ reference: 'lost', revealed: 'never' }]);
  expect((await sim('GET', 'requests')).body).toMatchObject({
    byEndpoint: { cashIn: 2, bulkCashIn: 1, publicKey: 3 },
    pinBearing: 3,
    cashInsByReference: { one: 1, lost: 1, 'line-0': 1 },
    cashInsByScenario: { default: 1, lost_unmoved: 1 },
    bulksByScenario: { bulk_rejected: 1 },
  });
});

test('everything can be changed over HTTP', async () => {
  expect((await sim('POST', 'config', { settlementDelayMs: 5, faults: { lost_moved: 0.5 } })).body).toMatchObject({
    settlementDelayMs: 5,
    faults: { lost_moved: 0.5 },
    rateLimitPerMinute: null,
  });
  const { keyId } = (await client.send('GET', '/api/account/v1/publicKeys')).body;
  expect((await sim('POST', 'keys/roll')).status).toBe(200);
  expect((await client.send('GET', '/api/account/v1/publicKeys')).body.keyId).not.toBe(keyId);
  await sim('POST', 'tokens/expire');
  expect((await client.send('GET', '/api/account/v1/publicKeys')).status).toBe(401);
  await client.renewToken();
  await sim('POST', 'accounts', { msisdn: '781111111', code: '111111', type: 'retailer', pin: '7777', float: 5_000 });
  const partner = { idType: 'MSISDN', id: '781111111', encryptedPinCode: await client.encrypt('7777') };
  await sim('POST', 'reset');
  await sim('POST', 'accounts', { msisdn: '781111111', code: '111111', type: 'retailer', pin: '7777', float: 5_000 });
  const paid = await client.cashIn('', '', { body: await client.cashInBody('771234567', 'one', { partner }) });
  expect(paid.body.status).toBe('SUCCESS');
  expect((await sim('GET', 'ledger')).body).toMatchObject({ balances: { 781111111: 3_500 }, sumsToZero: true });
});

test('the batches to come are planned over HTTP', async () => {
  const bulks = [{ scenario: 'bulk_rejected', callbackFault: 'lost' }, {}];
  expect((await sim('POST', 'bulks/next', { bulks })).status).toBe(200);
  const answers = [await bulk(client, ['771234567']), await bulk(client, ['771234567'])];
  expect(answers.map(({ body }) => body.status)).toEqual(['REJECTED', 'PENDING']);
});

test('holds are set, seen and released over HTTP', async () => {
  await sim('POST', 'hold', { point: 'before_move', count: null });
  const answer = client.cashIn('771234567', 'held');
  await eventually(async () => (await sim('GET', 'hold')).body.before_move.blocked.length === 1);
  expect((await sim('DELETE', 'hold?point=after_move')).body).toEqual({ released: 0 });
  expect((await sim('DELETE', 'hold')).body).toEqual({ released: 1 });
  expect((await answer).body.status).toBe('SUCCESS');
});

test.each([
  ['config', { settlementDelay: 1 }, 'settlementDelay'],
  ['config', { faults: { failed: 0.6, rejected: 0.6 } }, 'add up to more than 1'],
  ['config', { faults: { no_such_scenario: 0.1 } }, 'faults'],
  ['accounts', { msisdn: '221771234567' }, 'msisdn'],
  ['config', { bulk: { faults: { failed: 0.1 } } }, 'faults'],
  ['config', { bulk: { maxItems: 0 } }, 'maxItems'],
  ['bulks/next', { bulks: [{ scenario: 'lost_moved' }] }, 'scenario'],
  ['hold', { point: 'nowhere' }, 'point'],
])('a wrong body for %s is refused and says why', async (path, body, says) => {
  const answer = await sim('POST', path, body);
  expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(says)]);
});

test('endpoints can be made to fail by rate', async () => {
  client.simulator.configure({
    endpointFaults: { search: { error_503: 1 }, publicKey: { malformed: 1 }, profile: { lost: 1 } },
  });
  expect((await client.send('GET', '/api/eWallet/v1/transactions')).status).toBe(503);
  expect((await client.send('GET', '/api/account/v1/publicKeys')).body).toBeNull();
  await expect(client.send('GET', '/api/eWallet/v1/account?msisdn=771234567')).rejects.toThrow();
  expect(client.simulator.requests().endpointFaults).toEqual({
    'search/error_503': 1,
    'publicKey/malformed': 1,
    'profile/lost': 1,
  });
  client.simulator.configure({ endpointFaults: {} });
  expect(await client.search('')).toEqual([]);
});

test('invalid options are all named at once', async () => {
  const options = {
    port: -1,
    settlementDelayMs: -1,
    httpsHostMap: { 'callbacks.cauri.test': 'http://example.com:80' },
  };
  const start = createOrangeSimulator(options);
  await expect(start).rejects.toThrow(/port[\s\S]*settlementDelayMs|settlementDelayMs[\s\S]*port/);
  await expect(start).rejects.toThrow('must be http://<loopback>');
});

test('the environment gives the same options', () => {
  expect(
    optionsFromEnv({
      SIMULATOR_PORT: '4010',
      SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
      SIMULATOR_FAULTS: '{"failed":0.1}',
    }),
  ).toEqual({ port: 4010, rateLimitPerMinute: null, faults: { failed: 0.1 } });
});

test('the table of docs/simulator.md is the table of the code', () => {
  const page = readFileSync(join(__dirname, '../../docs/simulator.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `7700'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const table: readonly Scenario[] = SCENARIOS;
  const expected = table
    .filter((scenario) => scenario.code !== null)
    .map(({ code, name, description, revealed }) => [`\`7700${code ?? ''}nnn\``, `\`${name}\``, description, revealed]);
  expect(rows).toEqual(expected);
});
