import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createPool } from './db/pool';
import { createAsker } from './prove/asker';
import type { Asker } from './prove/asker';
import { createBulkMerchant } from './prove/bulk-merchant';
import { createBulkOrders } from './prove/bulk-orders';
import { createDice } from './prove/dice';
import { createFaultyReceiver } from './prove/faulty-receiver';
import { judge } from './prove/judge';
import type { Marks } from './prove/marks';
import { createMerchant } from './prove/merchant';
import { ACCOUNT, createOperations } from './prove/operations';
import { MARKED_RECIPIENT } from './prove/plan';
import type { Orders } from './prove/orders';
import { parseProveFlags } from './prove/prove-options';
import type { BulkPath, ProveOptions } from './prove/prove-options';
import { createProviderControl } from './prove/provider-truth';
import type { ProviderControl } from './prove/provider-truth';
import { explainViolations } from './prove/explain';
import { describeResult, verdict } from './prove/report';
import type { ProveResult } from './prove/report';
import { runOrders } from './prove/run';
import { scanForSecrets } from './prove/scan-secrets';
import { createSingleOrders } from './prove/single-orders';
import { startStack } from './start/stack';
import { choosePorts } from './start/start-options';
import { createStep } from './start/steps';
import { createSupervisor } from './start/supervisor';
import type { Supervisor } from './start/supervisor';

const PROJECT = join(__dirname, '..');
const CALLBACK_HOST = 'callbacks.prove.test';

const MARKS: Marks = {
  clientId: 'prove-client',
  clientSecret: `canary-client-secret-${randomBytes(12).toString('hex')}`,
  pin: (n) => `C4N4RYP1N${String(n).padStart(6, '0')}`,
  email: 'canary.recipient@example.com',
};

/** So many calls of a bulk leave at once that on two cores some would take longer than those of single payouts. */
const SINGLE = { headersMs: 2_500, callMs: 5_000 };
const BULK = { headersMs: 6_000, callMs: 10_000 };

/** Lines of one chunk, which is one bulk call where the provider has one: small, so that there are many. */
const CHUNK = { lines: 100, native: 25 } as const satisfies Record<BulkPath, number>;

/** Short times, so that days fit into minutes; windows long, so that nothing is given up meanwhile. */
function settings(seed: number, path: BulkPath | null): NodeJS.ProcessEnv {
  const timeouts = path === null ? SINGLE : BULK;
  return {
    SIMULATOR_SEED: String(seed),
    SIMULATOR_SETTLEMENT_DELAY_MS: '400',
    SIMULATOR_TOKEN_LIFE_SECONDS: '60',
    SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
    SIMULATOR_CLIENTS: JSON.stringify([
      { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: '*' },
      { clientId: MARKS.clientId, clientSecret: MARKS.clientSecret, retailerCodes: '*' },
    ]),
    SEND_BY_MARGIN_MS: '500',
    BACK_OFF_FIRST_MS: '300',
    BACK_OFF_MAX_MS: '3000',
    POLL_FIRST_MS: '300',
    POLL_MAX_MS: '3000',
    SWEEP_EVERY_MS: '500',
    SWEEP_RECHECK_MS: '5000',
    WEBHOOK_TIMEOUT_MS: '2000',
    LATE_CREDIT_WATCH_MS: '600000',
    SIMULATOR_TIMINGS: JSON.stringify({ slowAnswerMs: timeouts.headersMs + 1_500, lateRowMs: 3_000 }),
    ORANGE_CONNECT_TIMEOUT_MS: '2000',
    ORANGE_HEADERS_TIMEOUT_MS: String(timeouts.headersMs),
    ORANGE_BODY_TIMEOUT_MS: '2000',
    ...(path && {
      ORANGE_BULK: path,
      PUBLIC_URL: `https://${CALLBACK_HOST}`,
      BULK_CHUNK_SIZE: String(CHUNK[path]),
      BULK_CHUNKS_AT_ONCE: '2',
      BULK_MICRO_BATCH: '32',
      BULK_HAND_OVER_MOST: '10',
      BULK_SLOW_AFTER_MS: '5000',
      // A bulk ends when the last of its lines does: what nobody can know must be with people while we look.
      ORANGE_SETTLEMENT_WINDOW_MS: '60000',
    }),
  };
}

/** Names of variables that would lead the run to servers of somebody else, or change its times. */
const NOT_INHERITED =
  /^(DATABASE_URL|PUBLIC_URL|TEMPORAL_ADDRESS|TEMPORAL_NAMESPACE|MASTER_KEY|BULK_|CAURI_|ORANGE_|SIMULATOR_|WEBHOOK_)/;

/** Proves under faults and kills that no payout is lost, paid twice or called what it is not. Exit 1 on any violation. */
async function main(): Promise<number> {
  const options = parseProveFlags(process.argv.slice(2));
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const failed = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => reject(new Error(`ended by ${signal}`)));
    }
  });
  let passed = true;
  for (const part of partsOf(options)) {
    if (part.path !== null) print(`\n== ${part.count} lines of bulks, ${TITLES[part.path]}`);
    const result = await proveOnStack(part, { ...options, ended: failed }, print);
    const reasons = verdict(result, part);
    for (const line of describeResult(result, part)) print(line);
    if (options.json) print(JSON.stringify({ ...result, options: { ...options, ...part }, verdict: reasons }));
    passed &&= reasons.length === 0;
  }
  return passed ? 0 : 1;
}

const TITLES = {
  lines: 'each by a call of its own',
  native: "by the provider's own bulk call",
} as const satisfies Record<BulkPath, string>;

/** What is proven on a stack of its own. */
interface Part {
  /** Null: single payouts. */
  path: BulkPath | null;
  /** Payouts, or lines. */
  count: number;
  kills: number;
  openAtKill: number;
}

function partsOf({ payouts, bulk, paths, kills, openAtKill }: ProveOptions): readonly Part[] {
  if (bulk === null) return [{ path: null, count: payouts, kills, openAtKill }];
  return paths.map((path) => ({
    path,
    count: Math.ceil(bulk / paths.length),
    kills: Math.ceil(kills / paths.length),
    openAtKill,
  }));
}

/** Whatever ends it, its servers end before it does. Throws with `ended`. */
async function proveOnStack(
  part: Part,
  options: ProveOptions & { ended: Promise<never> },
  print: (line: string) => void,
): Promise<ProveResult> {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'cauri-prove-'));
  let fail: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const supervisor = createSupervisor({
    runFile: join(stateDirectory, 'run.json'),
    logDirectory: join(stateDirectory, 'logs'),
    report: () => undefined,
    onLoss: fail,
    // Killed again and again: how long one lived says nothing.
    shortLifeMs: 0,
  });
  try {
    return await Promise.race([options.ended, lost, prove(part, options.seed, { stateDirectory, supervisor, print })]);
  } finally {
    await supervisor.closeAll();
    // Not on stdout, whose last line is the JSON.
    if (options.keep) process.stderr.write(`databases and logs: ${stateDirectory}\n`);
    else rmSync(stateDirectory, { recursive: true, force: true });
  }
}

interface Place {
  stateDirectory: string;
  supervisor: Supervisor;
  print: (line: string) => void;
}

async function prove(part: Part, seed: number, { stateDirectory, supervisor, print }: Place): Promise<ProveResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const env = { ...Object.fromEntries(inherited), ...settings(seed, part.path) };
  const stack = await startStack({
    env,
    ports: await choosePorts({}, 0),
    stateDirectory,
    binDirectory: join(PROJECT, '.cauri', 'bin'),
    programDirectory: __dirname,
    supervisor,
    step: createStep(print),
    print,
  });
  const dice = createDice(seed);
  const receiver = await createFaultyReceiver(dice);
  const pool = createPool({
    databaseUrl: stack.environment['DATABASE_URL'] ?? '',
    size: 4,
    onIdleError: () => undefined,
  });
  try {
    const operations = createOperations(stack, __dirname);
    const provider = createProviderControl(stack.simulatorUrl);
    receiver.useSecret(await operations.replaceEndpoint(receiver.url));
    await provider.post('accounts', { msisdn: ACCOUNT, pin: MARKS.pin(1) });
    const { clientId, clientSecret } = MARKS;
    await operations.saveCredential({ client_id: clientId, client_secret: clientSecret, pin: MARKS.pin(1) });
    const signingSecret = randomBytes(24).toString('base64url');
    await provider.post('config', {
      httpsHostMap: { [CALLBACK_HOST]: stack.apiUrl },
      callbacks: { enabled: true, secret: signingSecret },
    });
    await operations.registerCallback(CALLBACK_HOST, signingSecret);

    const startedAt = Date.now();
    const asker = createAsker({ apiUrl: stack.apiUrl, key: stack.keys.merchantKey });
    // A few more than are asked for: one that finds too few under way does not count.
    const waves = part.kills + Math.ceil(part.kills / 5);
    const orders = ordersOf(part, { seed, waves, asker, provider, personKey: stack.keys.personKeys[0] });
    const run = await runOrders({
      ...{ orders, waves, openAtKill: part.openAtKill, dice, stack, stateDirectory },
      callMs: (part.path === null ? SINGLE : BULK).callMs,
      ...{ pool, provider, receiver, operations, print, marks: MARKS },
    });
    const seconds = (Date.now() - startedAt) / 1_000;
    print('… looking for secrets in logs, answers, metrics, histories and every column');
    const pins = Array.from({ length: run.pins }, (_, index) => MARKS.pin(index + 1));
    const secrets = await scanForSecrets({
      secrets: [
        ...[...pins, clientSecret, signingSecret],
        ...[stack.keys.merchantKey, ...stack.keys.personKeys, ...stack.keys.operatorKeys],
      ],
      personal: [MARKED_RECIPIENT, MARKS.email],
      logDirectory: join(stateDirectory, 'logs'),
      ignoredLogs: ['simulator.log', 'seed.log'],
      answers: [...asker.answers, ...receiver.texts],
      texts: [...asker.refusals, ...operations.printed, ...(await metricsOf(stack.environment))],
      pool,
      temporalAddress: stack.temporalAddress,
    });
    const { evidence, faults } = run;
    const judgement = judge(evidence);
    const details = explainViolations(judgement, evidence);
    return { judgement, faults, kills: evidence.kills, secrets, details, seconds };
  } finally {
    await pool.end();
    await receiver.close();
  }
}

interface OrderDeps {
  seed: number;
  waves: number;
  asker: Asker;
  provider: ProviderControl;
  personKey: string;
}

function ordersOf({ path, count }: Part, { seed, waves, asker, provider, personKey }: OrderDeps): Orders {
  const merchant = createMerchant(asker);
  const { email } = MARKS;
  if (path === null) return createSingleOrders({ payouts: count, seed, waves, merchant, provider, email });
  const bulks = createBulkMerchant(asker, personKey);
  return createBulkOrders({
    ...{ lines: count, seed, waves, path, chunkSize: CHUNK[path] },
    ...{ bulks, merchant, provider, email },
  });
}

async function metricsOf(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const ports = [environment['API_METRICS_PORT'], environment['METRICS_PORT']];
  return await Promise.all(
    ports.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port ?? ''}/metrics`);
      if (!response.ok) throw new Error(`/metrics on port ${port ?? ''} answered ${response.status}.`);
      return await response.text();
    }),
  );
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
