import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { prepareEmbeddedPostgres } from '../../src/start/embedded-postgres';
import { processStartTime } from '../../src/start/process-identity';
import { createRunFile, type ProcessRecord } from '../../src/start/run-file';
import { eventually } from '../helpers/eventually';
import { findFreePort } from '../helpers/ports';
import { typescriptCommand } from '../helpers/process';
import type { OwnerOptions } from './supervisor-owner';

interface Owner {
  process: ChildProcess;
  output: () => string;
  exitCode: Promise<number | null>;
}

let directory: string;
let options: OwnerOptions;
const owners: Owner[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cauri-supervisor-'));
  const ports = [await findFreePort(), await findFreePort()];
  options = { runFile: join(directory, 'run.json'), logDirectory: join(directory, 'logs'), ports };
});

afterEach(async () => {
  const left = recorded();
  for (const owner of owners.splice(0)) owner.process.kill('SIGKILL');
  for (const { pid, startedAt } of left) if (processStartTime(pid) === startedAt) process.kill(pid, 'SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

/** Starts an owner in a process group of its own, as a shell would. */
function own(ownerOptions = options): Owner {
  const [command = '', ...args] = typescriptCommand(join(__dirname, 'supervisor-owner.ts'));
  const child = spawn(command, [...args, JSON.stringify(ownerOptions)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const exitCode = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const owner = { process: child, output: () => text, exitCode };
  owners.push(owner);
  return owner;
}

/** Starts of whole stacks on busy machines. */
const PATIENCE_MS = 100_000;

async function said(owner: Owner, line: string): Promise<void> {
  await eventually(
    `the owner says ${line}`,
    () => owner.output().includes(line) || owner.process.exitCode !== null || owner.process.signalCode !== null,
    PATIENCE_MS,
  );
  expect(owner.output()).toContain(line);
}

function recorded(): ProcessRecord[] {
  return createRunFile(options.runFile).read();
}

function isAlive({ pid, startedAt }: ProcessRecord): boolean {
  return processStartTime(pid) === startedAt;
}

function childrenOf(records: ProcessRecord[]): ProcessRecord[] {
  return records.filter(({ name }) => name !== 'start');
}

async function queryPostgres<Row extends object>(sql: string): Promise<Row[]> {
  const { url } = await prepareEmbeddedPostgres(options.postgres!);
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Row>(sql);
  await client.end();
  return rows;
}

test('Ctrl-C closes every child', async () => {
  const owner = own();
  await said(owner, 'ready');
  const children = childrenOf(recorded());
  process.kill(-owner.process.pid!, 'SIGINT');
  expect(await owner.exitCode).toBe(130);
  expect(children).toHaveLength(2);
  expect(children.filter(isAlive)).toEqual([]);
  expect(recorded()).toEqual([]);
});

test('Ctrl-C while a child is still starting closes every child', async () => {
  const owner = own({ ...options, last: 'hangs' });
  await said(owner, 'last one hangs');
  await eventually('the last child is recorded', () => recorded().some(({ name }) => name === 'last'), PATIENCE_MS);
  const children = childrenOf(recorded());
  process.kill(-owner.process.pid!, 'SIGINT');
  await owner.exitCode;
  expect(children).toHaveLength(3);
  expect(children.filter(isAlive)).toEqual([]);
});

test('a start that fails half way closes the children that were up', async () => {
  const owner = own({ ...options, last: 'fails' });
  await said(owner, 'last one fails');
  expect(await owner.exitCode).toBe(1);
  expect(owner.output()).toContain('failed: last ended');
  for (const port of options.ports) await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
});

test('the next start ends what is left when the parent alone was killed', async () => {
  const first = own();
  await said(first, 'ready');
  const children = childrenOf(recorded());
  first.process.kill('SIGKILL');
  await first.exitCode;
  expect(children.filter(isAlive)).toHaveLength(2);
  const second = own();
  await said(second, 'ready');
  expect(second.output()).toContain(
    `ended: ${children
      .reverse()
      .map(({ name }) => name)
      .join(' ')}`,
  );
  expect(children.filter(isAlive)).toEqual([]);
});

test('the next start ends a parent that is still alive, with its children', async () => {
  const first = own();
  await said(first, 'ready');
  const before = recorded();
  const second = own();
  await said(second, 'ready');
  expect(before.filter(isAlive)).toEqual([]);
});

test.each(['startedAt', 'executable', 'port'] as const)(
  'a process whose %s differs from the record is left alone',
  async (field) => {
    const first = own();
    await said(first, 'ready');
    first.process.kill('SIGKILL');
    await first.exitCode;
    const [parent, other, changed] = recorded() as [ProcessRecord, ProcessRecord, ProcessRecord];
    const wrong = { startedAt: '1', executable: '/bin/other', port: 1 }[field];
    writeFileSync(options.runFile, JSON.stringify([parent, other, { ...changed, [field]: wrong }]));
    const second = own({ ...options, ports: [] });
    await said(second, 'ready');
    expect(isAlive(other)).toBe(false);
    expect(isAlive(changed)).toBe(true);
    process.kill(changed.pid, 'SIGKILL');
  },
);

test('a child that is killed is started again, PostgreSQL too', async () => {
  options.postgres = { directory: join(directory, 'postgres'), port: await findFreePort() };
  const owner = own();
  await said(owner, 'ready');
  const [postgres, child] = childrenOf(recorded());
  for (const { pid } of [postgres!, child!]) process.kill(pid, 'SIGKILL');
  const isUpAgain = async (): Promise<boolean> => {
    expect(owner.output()).not.toContain('lost');
    const answers = await fetch(`http://127.0.0.1:${options.ports[0]}`).then(
      ({ ok }) => ok,
      () => false,
    );
    return answers && recorded().some(({ name, pid }) => name === 'postgres' && pid !== postgres!.pid);
  };
  await eventually('both are up again', isUpAgain, PATIENCE_MS);
  process.kill(-owner.process.pid!, 'SIGINT');
  await owner.exitCode;
});

test('PostgreSQL keeps what was committed, killed together with everything else or left by its parent', async () => {
  options.postgres = { directory: join(directory, 'postgres'), port: await findFreePort() };
  const first = own();
  await said(first, 'ready');
  await queryPostgres('create table kept as select 1 as row');
  process.kill(-first.process.pid!, 'SIGKILL');
  for (const child of childrenOf(recorded())) process.kill(child.pid, 'SIGKILL');
  await first.exitCode;
  const second = own();
  await said(second, 'ready');
  await queryPostgres('insert into kept values (2)');
  second.process.kill('SIGKILL');
  await second.exitCode;
  const third = own();
  await said(third, 'ready');
  expect(third.output()).toContain('postgres');
  expect(await queryPostgres('select row from kept order by row')).toEqual([{ row: 1 }, { row: 2 }]);
  expect(readFileSync(join(options.logDirectory, 'postgres.log'), 'utf8')).toContain('automatic recovery');
  process.kill(-third.process.pid!, 'SIGINT');
  await third.exitCode;
});
