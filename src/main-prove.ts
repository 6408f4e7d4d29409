import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createPool } from './db/pool';
import { createDice } from './prove/dice';
import { createFaultyReceiver } from './prove/faulty-receiver';
import { judge } from './prove/judge';
import type { Marks } from './prove/marks';
import { ACCOUNT, createOperations } from './prove/operations';
import { MARKED_RECIPIENT } from './prove/plan';
import { parseProveFlags } from './prove/prove-options';
import type { ProveOptions } from './prove/prove-options';
import { createProviderControl } from './prove/provider-truth';
import { describeResult, verdict } from './prove/report';
import type { ProveResult } from './prove/report';
import { runPayouts } from './prove/run';
import { scanForSecrets } from './prove/scan-secrets';
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

/** Short times, so that days fit into minutes; windows long, so that nothing is given up meanwhile. */
function settings(seed: number): NodeJS.ProcessEnv {
  return {
    SIMULATOR_SEED: String(seed),
    SIMULATOR_SETTLEMENT_DELAY_MS: '400',
    SIMULATOR_TOKEN_LIFE_SECONDS: '60',
    SIMULATOR_RATE_LIMIT_PER_MINUTE: 'off',
    SIMULATOR_TIMINGS: JSON.stringify({ slowAnswerMs: 4_000, lateRowMs: 3_000 }),
    SIMULATOR_CLIENTS: JSON.stringify([
      { clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: '*' },
      { clientId: MARKS.clientId, clientSecret: MARKS.clientSecret, retailerCodes: '*' },
    ]),
    ORANGE_CONNECT_TIMEOUT_MS: '2000',
    ORANGE_HEADERS_TIMEOUT_MS: '2500',
    ORANGE_BODY_TIMEOUT_MS: '2000',
    SEND_BY_MARGIN_MS: '500',
    BACK_OFF_FIRST_MS: '300',
    BACK_OFF_MAX_MS: '3000',
    POLL_FIRST_MS: '300',
    POLL_MAX_MS: '3000',
    SWEEP_EVERY_MS: '500',
    SWEEP_RECHECK_MS: '5000',
    WEBHOOK_TIMEOUT_MS: '2000',
    LATE_CREDIT_WATCH_MS: '600000',
  };
}

/** Names of variables that would lead the run to servers of somebody else, or change its times. */
const NOT_INHERITED =
  /^(DATABASE_URL|TEMPORAL_ADDRESS|TEMPORAL_NAMESPACE|MASTER_KEY|CAURI_|ORANGE_|SIMULATOR_|WEBHOOK_)/;

/** Proves under faults and kills that no payout is lost, paid twice or called what it is not. Exit 1 on any violation. */
async function main(): Promise<number> {
  const options = parseProveFlags(process.argv.slice(2));
  const stateDirectory = mkdtempSync(join(tmpdir(), 'cauri-prove-'));
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => fail(new Error(`ended by ${signal}`)));
  }
  const supervisor = createSupervisor({
    runFile: join(stateDirectory, 'run.json'),
    logDirectory: join(stateDirectory, 'logs'),
    report: () => undefined,
    onLoss: fail,
    // Killed again and again: how long one lived says nothing.
    shortLifeMs: 0,
  });
  try {
    const result = await Promise.race([failed, prove(options, stateDirectory, supervisor, print)]);
    for (const line of describeResult(result, options)) print(line);
    if (options.json) print(JSON.stringify({ ...result, options, verdict: verdict(result, options) }));
    return verdict(result, options).length === 0 ? 0 : 1;
  } finally {
    await supervisor.closeAll();
    // Not on stdout, whose last line is the JSON.
    if (options.keep) process.stderr.write(`databases and logs: ${stateDirectory}\n`);
    else rmSync(stateDirectory, { recursive: true, force: true });
  }
}

async function prove(
  options: ProveOptions,
  stateDirectory: string,
  supervisor: Supervisor,
  print: (line: string) => void,
): Promise<ProveResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const env = { ...Object.fromEntries(inherited), ...settings(options.seed) };
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
  const receiver = await createFaultyReceiver(createDice(options.seed));
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
    const run = await runPayouts({
      ...{ options, stack, stateDirectory, pool, receiver, operations, print },
      marks: MARKS,
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
      answers: [...run.merchant.answers, ...receiver.texts],
      texts: [...run.merchant.refusals, ...operations.printed, ...(await metricsOf(stack.apiUrl, stack.environment))],
      pool,
      temporalAddress: stack.temporalAddress,
    });
    const { evidence, faults } = run;
    return { judgement: judge(evidence), faults, kills: evidence.kills, secrets, seconds };
  } finally {
    await pool.end();
    await receiver.close();
  }
}

async function metricsOf(apiUrl: string, environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const urls = [apiUrl, `http://127.0.0.1:${environment['METRICS_PORT'] ?? ''}`];
  return await Promise.all(urls.map(async (url) => await (await fetch(`${url}/metrics`)).text()));
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
