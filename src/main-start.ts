import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runDemo } from './start/demo';
import { runBulkDemo } from './start/demo-bulk';
import type { ProcessRecord } from './start/run-file';
import { startStack, type Stack } from './start/stack';
import { choosePorts, parseStartFlags, type StartFlags } from './start/start-options';
import { createStep } from './start/steps';
import { createSupervisor, type Supervisor } from './start/supervisor';

const PROJECT = join(__dirname, '..');

/** What `--reset` keeps: executables that would only be downloaded again, and what is in use at that moment. */
const KEPT_BY_RESET = ['bin', 'set-up.lock', 'run.json'];

/** Runs the development stack until Ctrl-C, and shows one payout and one bulk. Its flags: tools/start-help.mjs. */
async function main(): Promise<number> {
  const flags = parseStartFlags(process.argv.slice(2));
  const stateDirectory = resolve(process.env['CAURI_STATE_DIR'] ?? join(PROJECT, '.cauri'));
  let isStopping = false;
  const print = (line: string): void => {
    if (!isStopping) process.stdout.write(`${line}\n`);
  };
  let stop: (code: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    stop = resolve;
  });
  const loss = (error: unknown): void => {
    print(`\n${(error as Error).message}`);
    stop(1);
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => stop(code));
  }
  // A closed terminal or pipe must not keep us from closing the children.
  process.stdout.on('error', () => undefined);
  process.on('uncaughtException', loss);

  const supervisor = createSupervisor({
    runFile: join(stateDirectory, 'run.json'),
    logDirectory: join(stateDirectory, 'logs'),
    report: print,
    onLoss: loss,
  });
  try {
    const work = run(flags, stateDirectory, supervisor, print).then((code) => code ?? stopped);
    return await Promise.race([stopped, work]);
  } catch (error) {
    print(`\n${(error as Error).message}`);
    return 1;
  } finally {
    print('\nStopping.');
    isStopping = true;
    await supervisor.closeAll();
  }
}

/** @returns the exit code, or undefined to stay. */
async function run(
  flags: StartFlags,
  stateDirectory: string,
  supervisor: Supervisor,
  print: (line: string) => void,
): Promise<number | undefined> {
  const running = supervisor.findRunning();
  if (running && !flags.replace) throw new Error(describeRunning(running, stateDirectory));
  const leftovers = await supervisor.endLeftovers();
  if (leftovers.length > 0) print(`ended what an earlier start left: ${leftovers.join(', ')}`);
  if (flags.reset) forget(stateDirectory);
  const stack = await startStack({
    env: process.env,
    ports: await choosePorts(process.env, flags.portBase),
    stateDirectory,
    binDirectory: join(PROJECT, '.cauri', 'bin'),
    programDirectory: __dirname,
    supervisor,
    step: createStep(print),
    print,
  });
  supervisor.tellUrls({
    API: stack.apiUrl,
    ...(stack.temporalUiUrl === undefined ? {} : { 'Temporal UI': stack.temporalUiUrl }),
  });
  const succeeded = flags.demo ? await runDemos(stack, print) : true;
  if (flags.once) return succeeded ? 0 : 1;
  const { apiUrl, temporalUiUrl } = stack;
  print(
    `API ${apiUrl}${temporalUiUrl === undefined ? '' : `, Temporal UI ${temporalUiUrl}`}, logs ${stateDirectory}/logs. Ctrl-C stops all.`,
  );
  return undefined;
}

function describeRunning({ pid, urls = {} }: ProcessRecord, stateDirectory: string): string {
  const places = Object.entries(urls).map(([name, url]) => `${name} ${url}`);
  const where = places.length > 0 ? places.join(', ') : 'still starting';
  return (
    `npm start runs already on ${stateDirectory}, as process ${pid}: ${where}.\n` +
    'Use it, or end it and take its place: npm start -- --replace. For a second one beside it, set CAURI_STATE_DIR and --port-base.'
  );
}

/** Both are shown, however the first one went. */
async function runDemos(stack: Stack, print: (line: string) => void): Promise<boolean> {
  const payout = await runDemo(stack, print);
  return (await runBulkDemo(stack, print)) && payout;
}

function forget(stateDirectory: string): void {
  const names = existsSync(stateDirectory) ? readdirSync(stateDirectory) : [];
  for (const name of names.filter((each) => !KEPT_BY_RESET.includes(each))) {
    rmSync(join(stateDirectory, name), { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
