import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

import { migrate } from '../src/db/migrate';
import { readDevKeys } from '../src/start/dev-keys';
import type { DevKeys } from '../src/start/dev-keys';
import { prepareEmbeddedPostgres } from '../src/start/embedded-postgres';
import { runProcess, startProcess } from '../src/start/managed-process';
import type { ProcessSpec } from '../src/start/managed-process';
import { findFreePort } from '../src/start/ports';
import { describeDevServer } from '../src/temporal/dev-server';
import { resolveTemporalCli } from '../src/temporal/server-resolver';
import type { Closers } from './closers';
import { createInbox } from './inbox';
import type { Inbox } from './inbox';

const PROJECT = join(__dirname, '..');

export interface Program {
  pid: number;
  url: string;
  close(): Promise<void>;
}

/** The servers that all contenders share: private ones, made for one bench and gone after it. */
export interface World {
  /** The product's database; other contenders make their own on the same server. */
  databaseUrl: string;
  /** A superuser's session in the database `postgres`. */
  admin: Client;
  simulatorUrl: string;
  inbox: Inbox;
  keys: DevKeys;
  /** Process ids of the servers by name. */
  pids: Readonly<Record<string, number>>;
  /** The product's environment: where everything is. */
  environment: NodeJS.ProcessEnv;
  /** Runs one of the product's own processes, as built, until it is closed. */
  startProduct(name: 'api' | 'worker', environment?: NodeJS.ProcessEnv): Promise<Program>;
  /** Runs a TypeScript program of the bench; it is up once it answers HTTP on `PORT`. */
  startBench(file: string, environment?: NodeJS.ProcessEnv): Promise<Program>;
  /** The version of the Temporal CLI that runs. */
  temporalVersion: string;
  /** Runs a statement in the product's database. */
  query(sql: string): Promise<readonly unknown[]>;
}

export interface WorldOptions {
  closers: Closers;
  /** Of the product's environment, beside where everything is. */
  variables: NodeJS.ProcessEnv;
  /** Milliseconds from PENDING to SUCCESS at the simulator. */
  settlementDelayMs: number;
  /** Variables given on the command line; they go over `variables`. */
  set: Readonly<Record<string, string>>;
  profileDirectory: string | null;
  /** Arguments of Node for the product's API and worker. */
  nodeArgs?: readonly string[];
  report: (line: string) => void;
}

/** @throws Error of the first server that does not start; the caller closes what was added to the closers. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { closers, report, profileDirectory } = options;
  const directory = mkdtempSync(join(tmpdir(), 'cauri-bench-'));
  closers.add(() => rm(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'logs'));
  const logFile = (name: string): string => join(directory, 'logs', `${name}.log`);
  const start = async (spec: ProcessSpec): Promise<{ pid: number; close: () => Promise<void> }> => {
    const running = await startProcess(spec, { logFile: logFile(spec.name) });
    closers.add(() => running.close());
    return running;
  };

  report('starting PostgreSQL, Temporal, the Orange simulator');
  const postgres = await prepareEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    port: await findFreePort(),
  });
  const withStatements = ['-c', 'shared_preload_libraries=pg_stat_statements'];
  const postgresRun = await start({ ...postgres.spec, args: [...postgres.spec.args, ...withStatements] });
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  closers.add(() => admin.end());
  await admin.query('create extension pg_stat_statements');
  await admin.query('create database cauri');
  const databaseUrl = Object.assign(new URL(postgres.url), { pathname: '/cauri' }).href;
  await migrate(databaseUrl);

  const binDirectory = join(PROJECT, '.cauri', 'bin');
  const cli = await resolveTemporalCli({ env: process.env, binDirectory, report });
  const temporal = describeDevServer({
    executable: cli.path,
    port: await findFreePort(),
    databaseFile: join(directory, 'temporal.db'),
  });
  const temporalRun = await start(temporal);

  const simulatorPort = await findFreePort();
  const simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
  const inbox = await createInbox();
  closers.add(() => inbox.close());
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    MASTER_KEY: `k1:${randomBytes(32).toString('base64')}`,
    ORANGE_SANDBOX_URL: simulatorUrl,
    ORANGE_LIVE_URL: 'https://no-live-provider.invalid',
    ALLOW_LOOPBACK_WEBHOOKS: 'true',
    WEBHOOK_URL: inbox.url,
    DEV_KEYS_FILE: join(directory, 'dev-keys.json'),
    SIMULATOR_PORT: String(simulatorPort),
    SIMULATOR_SETTLEMENT_DELAY_MS: String(options.settlementDelayMs),
    SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
    API_METRICS_PORT: '0',
    SHUTDOWN_GRACE_MS: '2000',
    ...options.variables,
    ...options.set,
  };
  const product = (name: string): ProcessSpec => ({
    name,
    command: process.execPath,
    args: [join(PROJECT, 'dist', `main-${name}.js`)],
    env: environment,
  });
  const simulatorRun = await start({
    ...product('simulator'),
    port: simulatorPort,
    ready: () => answersHttp(`${simulatorUrl}/_sim/config`),
  });
  await runProcess(product('seed'), { logFile: logFile('seed') });
  const keys = readDevKeys(environment['DEV_KEYS_FILE'] ?? '');
  inbox.verifyBy(keys.webhookSecret);

  const startServer = async (spec: ProcessSpec, portVariable: string, path: string, more: NodeJS.ProcessEnv) => {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    const env = { ...environment, ...more, [portVariable]: String(port) };
    const running = await start({ ...spec, port, env, ready: () => answersHttp(url + path) });
    return { pid: running.pid, url, close: () => running.close() };
  };
  const profiling = profileDirectory === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const nodeArgs = [...profiling, ...(options.nodeArgs ?? [])];
  return {
    ...{ databaseUrl, admin, simulatorUrl, inbox, keys, environment },
    temporalVersion: cli.version,
    query: (sql) => queryOnce(databaseUrl, sql),
    pids: { postgres: postgresRun.pid, temporal: temporalRun.pid, simulator: simulatorRun.pid },
    startProduct: (name, more = {}) =>
      startServer(
        { ...product(name), args: [...nodeArgs, ...product(name).args] },
        name === 'api' ? 'API_PORT' : 'METRICS_PORT',
        '/readyz',
        more,
      ),
    startBench: (file, more = {}) =>
      startServer(
        {
          name: file.replace(/\W+/g, '-'),
          command: process.execPath,
          args: ['--require', join(PROJECT, 'tools', 'run-typescript.cjs'), join(__dirname, file)],
        },
        'PORT',
        '/',
        more,
      ),
  };
}

async function queryOnce(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function answersHttp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  );
}
