import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../db/migrate';
import { describeDevServer } from '../temporal/dev-server';
import { resolveTemporalServer } from '../temporal/server-resolver';
import { readDevKeys, type DevKeys } from './dev-keys';
import { prepareEmbeddedPostgres } from './embedded-postgres';
import type { ProcessSpec } from './managed-process';
import { isPortFree } from './ports';
import { PORT_NAMES, portVariable, type PortName, type Ports } from './start-options';
import type { Print, Step } from './steps';
import type { Supervisor } from './supervisor';

export interface StackOptions {
  env: NodeJS.ProcessEnv;
  ports: Ports;
  /** Holds databases, keys and logs. */
  stateDirectory: string;
  /** Holds downloaded executables. */
  binDirectory: string;
  /** Holds the compiled `main-*.js`. */
  programDirectory: string;
  supervisor: Supervisor;
  step: Step;
  print: Print;
}

/** Where everything is, once it runs. */
export interface Stack {
  apiUrl: string;
  receiverUrl: string;
  simulatorUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** Undefined where Temporal runs elsewhere. */
  temporalUiUrl: string | undefined;
  keys: DevKeys;
  /** The environment of our processes, for another one that belongs to them. */
  environment: NodeJS.ProcessEnv;
}

const HOST = '127.0.0.1';

/** Requests per minute and account: ten times Orange's 60, at which a bulk of a few lines would take minutes. */
const DEVELOPMENT_LIMIT = '600';

/**
 * Starts everything of a development machine as children of the supervisor: servers first, then the seeding, then what
 * needs both. `DATABASE_URL` and `TEMPORAL_ADDRESS` name servers to use instead of our own.
 * @throws Error of the first part that does not start; the caller closes the supervisor.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { env, ports, stateDirectory, supervisor, step } = options;
  mkdirSync(stateDirectory, { recursive: true });
  await assertPortsFree(ports, env);
  const url = (name: keyof Ports): string => `http://${HOST}:${ports[name]}`;
  const [databaseUrl, temporal] = await Promise.all([startDatabase(options), startTemporal(options)]);
  const variables: NodeJS.ProcessEnv = {
    ...env,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_UI_URL: url('ui'),
    ...(env['MASTER_KEY'] ? {} : { MASTER_KEY_FILE: env['MASTER_KEY_FILE'] ?? join(stateDirectory, 'master-key') }),
    API_HOST: HOST,
    API_PORT: String(ports.api),
    PUBLIC_URL: env['PUBLIC_URL'] ?? url('api'),
    API_METRICS_HOST: HOST,
    API_METRICS_PORT: String(ports.metrics),
    METRICS_HOST: HOST,
    METRICS_PORT: String(ports.worker),
    // One simulator stands for both hosts.
    ORANGE_SANDBOX_URL: url('simulator'),
    ORANGE_LIVE_URL: url('simulator'),
    ALLOW_SHARED_PROVIDER_URL: 'true',
    ALLOW_LOOPBACK_WEBHOOKS: 'true',
    ALLOW_LOOPBACK_CODEC: 'true',
    SHUTDOWN_GRACE_MS: env['SHUTDOWN_GRACE_MS'] ?? '5000',
    // Long enough to see the payout pending and its status asked for.
    SIMULATOR_SETTLEMENT_DELAY_MS: env['SIMULATOR_SETTLEMENT_DELAY_MS'] ?? '1500',
    SIMULATOR_PORT: String(ports.simulator),
    ...requestLimits(env),
    SIMULATOR_JOURNAL: join(stateDirectory, 'simulator-journal.jsonl'),
    RECEIVER_PORT: String(ports.receiver),
    WEBHOOK_URL: `${url('receiver')}/webhooks`,
    CAURI_STATE_DIR: stateDirectory,
    DEV_KEYS_FILE: join(stateDirectory, 'dev-keys.json'),
  };
  const program = (name: string, port?: number, path = '/'): ProcessSpec => ({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', join(options.programDirectory, `main-${name}.js`)],
    env: variables,
    ...(port === undefined ? {} : { port, ready: () => answersHttp(`http://${HOST}:${port}${path}`) }),
  });
  await Promise.all([
    step(`Orange simulator on ${url('simulator')}`, () =>
      supervisor.start(program('simulator', ports.simulator, '/_sim/ledger')),
    ),
    step(`webhook receiver on ${url('receiver')}`, () =>
      supervisor.start(program('receiver', ports.receiver, '/received')),
    ),
  ]);
  await step('sandbox merchant, operators and keys', () => supervisor.run(program('seed')));
  await Promise.all([
    step('worker', () => supervisor.start(program('worker', ports.worker, '/readyz'))),
    step(`API on ${url('api')}`, () => supervisor.start(program('api', ports.api, '/readyz'))),
  ]);
  return {
    apiUrl: url('api'),
    receiverUrl: url('receiver'),
    simulatorUrl: url('simulator'),
    temporalAddress: temporal.address,
    temporalNamespace: env['TEMPORAL_NAMESPACE'] ?? 'default',
    temporalUiUrl: temporal.hasUi ? url('ui') : undefined,
    keys: readDevKeys(join(stateDirectory, 'dev-keys.json')),
    environment: variables,
  };
}

/** The provider's limit per minute, which we keep to unless told otherwise. */
function requestLimits(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const limit = env['SIMULATOR_RATE_LIMIT_PER_MINUTE'] ?? DEVELOPMENT_LIMIT;
  const own = env['ORANGE_REQUESTS_PER_MINUTE'] ?? (limit === 'off' ? undefined : limit);
  return {
    SIMULATOR_RATE_LIMIT_PER_MINUTE: limit,
    ...(own === undefined ? {} : { ORANGE_REQUESTS_PER_MINUTE: own }),
  };
}

async function startDatabase({ env, ports, stateDirectory, supervisor, step }: StackOptions): Promise<string> {
  const given = env['DATABASE_URL'];
  const url = given ?? (await step(`PostgreSQL on ${HOST}:${ports.postgres}`, startOwn));
  await step('migrations', () => migrate(url)).catch((error: unknown) => {
    if (given !== undefined) throw error;
    throw new Error(
      `${(error as Error).message}\nTo forget the development state and begin anew: npm start -- --reset`,
    );
  });
  return url;

  async function startOwn(): Promise<string> {
    const postgres = await prepareEmbeddedPostgres({
      directory: join(stateDirectory, 'postgres'),
      port: ports.postgres,
    });
    await supervisor.start(postgres.spec);
    return createDatabase(postgres.url, 'cauri');
  }
}

async function startTemporal(options: StackOptions): Promise<{ address: string; hasUi: boolean }> {
  const { env, ports, stateDirectory, binDirectory, supervisor, step, print } = options;
  const find = () => resolveTemporalServer({ env, binDirectory, report: (line) => print(`… ${line}`) });
  const server = await step('Temporal server found', find);
  print(`  ${server.kind === 'address' ? server.address : `${server.path} (${server.origin})`}`);
  if (server.kind === 'address') return { address: server.address, hasUi: false };
  return step(`Temporal ${server.version} on ${HOST}:${ports.temporal}, UI on ${HOST}:${ports.ui}`, async () => {
    const directory = join(stateDirectory, 'temporal');
    mkdirSync(directory, { recursive: true });
    const dev = describeDevServer({
      executable: server.path,
      port: ports.temporal,
      databaseFile: join(directory, 'temporal.db'),
      ui: { port: ports.ui, codecEndpoint: `http://${HOST}:${ports.api}/codec` },
    });
    await supervisor.start(dev);
    return { address: dev.address, hasUi: true };
  });
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
}

async function assertPortsFree(ports: Ports, env: NodeJS.ProcessEnv): Promise<void> {
  const isNeeded = { postgres: !env['DATABASE_URL'], temporal: !env['TEMPORAL_ADDRESS'], ui: !env['TEMPORAL_ADDRESS'] };
  const needed = PORT_NAMES.filter((name) => !(name in isNeeded) || isNeeded[name as keyof typeof isNeeded]);
  const taken: PortName[] = [];
  for (const name of needed) if (!(await isPortFree(ports[name]))) taken.push(name);
  if (taken.length === 0) return;
  const lines = taken.map((name) => `  port ${ports[name]} (${name}): choose another with ${portVariable(name)}=`);
  throw new Error(
    `These ports are in use by another program:\n${lines.join('\n')}\nOr move all of them: npm start -- --port-base 4000 (0: any free ones).`,
  );
}

async function answersHttp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  );
}
