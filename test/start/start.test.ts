import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDevKeys } from '../../src/start/dev-keys';
import { processStartTime } from '../../src/start/process-identity';
import { createRunFile, type ProcessRecord } from '../../src/start/run-file';
import { eventually } from '../helpers/eventually';

/** Starts of whole stacks on busy machines. */
const PATIENCE_MS = 100_000;

/** The compiled program, as `npm start` runs it; `npm test` builds it first. */
const PROGRAM = join(__dirname, '..', '..', 'dist', 'main-start.js');

interface Start {
  process: ChildProcess;
  output: () => string;
  exitCode: Promise<number | null>;
}

// Two whole starts, one after the other, on a machine that runs other tests at the same time.
jest.setTimeout(240_000);

let state: string;
const starts: Start[] = [];

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error('dist/ is missing: npm run build');
});

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'cauri-start-'));
});

afterEach(async () => {
  const left = recorded();
  for (const { process: child } of starts.splice(0)) child.kill('SIGKILL');
  for (const entry of left) if (isAlive(entry)) process.kill(entry.pid, 'SIGKILL');
  await eventually('no child is left', () => !left.some(isAlive), PATIENCE_MS);
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
});

function start(args: string[], env: NodeJS.ProcessEnv = {}): Start {
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...inherited } = process.env;
  const child = spawn(process.execPath, [PROGRAM, '--port-base', '0', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, CAURI_STATE_DIR: state, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const exitCode = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const started = { process: child, output: () => text, exitCode };
  starts.push(started);
  return started;
}

function recorded(): ProcessRecord[] {
  return createRunFile(join(state, 'run.json')).read();
}

function isAlive({ pid, startedAt }: ProcessRecord): boolean {
  return processStartTime(pid) === startedAt;
}

async function said(started: Start, pattern: RegExp): Promise<void> {
  await eventually(
    `it prints ${pattern}`,
    () => pattern.test(started.output()) || started.process.exitCode !== null,
    PATIENCE_MS,
  );
  expect(started.output()).toMatch(pattern);
}

/** Calls the API of a start that is up, with the seeded merchant's key. */
async function callApi(path: string, body?: object): Promise<{ id: string; state: string }> {
  const port = recorded().find(({ name }) => name === 'api')!.port;
  const { merchantKey } = readDevKeys(join(state, 'dev-keys.json'));
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${merchantKey}`,
      'content-type': 'application/json',
      'idempotency-key': 'start-test',
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as { id: string; state: string };
}

const PAYOUT = {
  amount: 5_000,
  currency: 'XOF',
  description: 'Under way when everything was killed',
  method: 'orange_sn',
  recipient: { msisdn: '771234567' },
  customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
};

test('--once shows one payout and one bulk to their ends, and leaves no process', async () => {
  const once = start(['--once']);
  await said(once, /worker +\d/);
  const children = recorded();
  expect(await once.exitCode).toBe(0);
  for (const step of [
    'authenticate',
    'encryptPin',
    'submitPayout',
    'pollAtOnce',
    'signature verified',
    'Final state: succeeded',
    'A file of 12 payouts',
    'Final state: completed. Lines: paid 11 (25,750 XOF), failed 1 (2,750 XOF).',
    'Line 8 failed: 2000',
    '/workflows/bulk%2Fbulk_',
    '/result.csv -H',
  ]) {
    expect(once.output()).toContain(step);
  }
  expect(children.filter(isAlive)).toEqual([]);
});

test('a payout under way when everything is killed at once goes on at the next start', async () => {
  const slow = { SIMULATOR_SETTLEMENT_DELAY_MS: '6000' };
  const first = start(['--no-demo'], slow);
  await said(first, /Ctrl-C/);
  const { id } = await callApi('/v1/payouts', PAYOUT);
  await eventually('it is pending', async () => (await callApi(`/v1/payouts/${id}`)).state === 'pending', PATIENCE_MS);
  for (const { pid } of recorded()) process.kill(pid, 'SIGKILL');
  await first.exitCode;

  const second = start(['--no-demo'], slow);
  await said(second, /Ctrl-C/);
  await eventually('it succeeded', async () => (await callApi(`/v1/payouts/${id}`)).state === 'succeeded', PATIENCE_MS);
  process.kill(-second.process.pid!, 'SIGINT');
  expect(await second.exitCode).toBe(130);
});

test('the parent alone killed: its children go on, and the next start ends them', async () => {
  const first = start(['--no-demo']);
  await said(first, /Ctrl-C/);
  const [parent, ...children] = recorded();
  process.kill(parent!.pid, 'SIGKILL');
  await first.exitCode;
  expect(children.filter(isAlive)).toHaveLength(6);
  const second = start(['--no-demo']);
  await said(second, /Ctrl-C/);
  expect(second.output()).toMatch(/ended what an earlier start left: .*postgres/);
  expect(children.filter(isAlive)).toEqual([]);
  expect(readFileSync(join(state, 'logs', 'postgres.log'), 'utf8')).not.toContain('automatic recovery');
  process.kill(-second.process.pid!, 'SIGINT');
  await second.exitCode;
});

test('a second start on the same state names the one that runs; with --replace it takes its place', async () => {
  const first = start(['--no-demo']);
  await said(first, /Ctrl-C/);
  const [parent, ...children] = recorded();
  const apiPort = children.find(({ name }) => name === 'api')!.port;
  const second = start(['--no-demo']);
  expect(await second.exitCode).toBe(1);
  expect(second.output()).toContain(`as process ${parent!.pid}: API http://127.0.0.1:${apiPort}, Temporal UI http://`);
  expect(second.output()).toContain('--replace');
  expect([parent!, ...children].every(isAlive)).toBe(true);
  expect(recorded().map(({ pid }) => pid)).toEqual([parent!, ...children].map(({ pid }) => pid));

  const third = start(['--no-demo', '--replace']);
  await said(third, /Ctrl-C/);
  expect(await first.exitCode).toBe(143);
  expect(children.filter(isAlive)).toEqual([]);
  process.kill(-third.process.pid!, 'SIGINT');
  await third.exitCode;
});

test('a start that fails half way says why and leaves no process', async () => {
  const failing = start(['--no-demo'], { MASTER_KEY: 'no key' });
  await eventually(
    'the simulator runs',
    () => recorded().some(({ name }) => name === 'simulator') || failing.process.exitCode !== null,
    PATIENCE_MS,
  );
  const children = recorded().filter(({ name }) => name !== 'start');
  expect(await failing.exitCode).toBe(1);
  expect(failing.output()).toContain('seed failed');
  expect(children.length).toBeGreaterThan(0);
  expect(children.filter(isAlive)).toEqual([]);
});

test('Ctrl-C in the middle of a start leaves no process', async () => {
  const interrupted = start(['--no-demo']);
  await eventually('PostgreSQL runs', () => recorded().some(({ name }) => name === 'postgres'), PATIENCE_MS);
  const children = recorded().filter(({ name }) => name !== 'start');
  process.kill(-interrupted.process.pid!, 'SIGINT');
  expect(await interrupted.exitCode).toBe(130);
  expect(children.filter(isAlive)).toEqual([]);
});

test('a port that another program uses is named with the way out', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await eventually('the other listens', () => other.listening);
  const { port } = other.address() as AddressInfo;
  const refused = start(['--no-demo'], { CAURI_PORT_API: String(port) });
  expect(await refused.exitCode).toBe(1);
  other.close();
  expect(refused.output()).toContain(`port ${port} (api): choose another with CAURI_PORT_API=`);
});

test('a flag that does not exist is refused by name', async () => {
  const refused = start(['--twice']);
  expect(await refused.exitCode).toBe(1);
  expect(refused.output()).toContain("'--twice'");
});
