import { resolve } from 'node:path';
import { inspect } from 'node:util';

import { createClosers } from '../bench/closers';
import { startPostgres } from '../test/helpers/postgres';
import { startTemporalServer } from '../test/helpers/temporal-server';
import { bundleWorkflowsForTests } from '../test/helpers/workflow-bundle';
import { MUTANTS } from './catalogue';
import type { Mutant } from './mutant';
import { mutate } from './mutate';
import { parseMutantsCommand } from './options';
import { createScratch } from './scratch';
import type { Scratch } from './scratch';
import { runTests } from './test-run';
import type { TestRun } from './test-run';
import { createTypeCheck } from './type-check';

const ROOT = resolve(__dirname, '..');

/** Tests of these folders need no server. */
const WITHOUT_SERVERS = /^(unit|simulators)\//;

const closers = createClosers();
let child: number | null = null;

interface Verdict {
  mutant: Mutant;
  /** `broken`: it proves nothing, as it does not compile, or its tests fail by something else than an assertion. */
  verdict: 'dead' | 'ALIVE' | 'BROKEN';
  /** The test that noticed it, or what is wrong. */
  why: string;
  seconds: number;
}

/**
 * Breaks each rule of money in turn in a copy of the repository and runs the nearest tests, which must notice it. Exit code 1
 * where one does not. Flags: --only NAME (repeated), --part K/N, --list.
 */
async function main(): Promise<number> {
  const { mutants, list } = parseMutantsCommand(process.argv.slice(2), MUTANTS);
  if (list) {
    for (const { name, rule } of mutants) print(`${rule.padEnd(20)} ${name}`);
    return 0;
  }
  // Before anything is started: all of them apply.
  for (const mutant of mutants) mutate(ROOT, mutant);
  const scratch = createScratch(ROOT);
  closers.add(() => {
    scratch.close();
    return Promise.resolve();
  });
  const env = await startServers(mutants);
  const run = (some: readonly Mutant[], over: NodeJS.ProcessEnv = {}): Promise<TestRun> =>
    runTests(
      scratch.directory,
      some.flatMap(({ tests }) => tests),
      {
        env: { ...env, ...over },
        // One test file of a mutant needs no worker of its own.
        workers: some.length === 1 ? 1 : 2,
        onPid: (pid) => void (child = pid),
      },
    );

  const sound = startClock();
  const wrong = wrongUnmutated(mutants, await run(mutants));
  if (wrong !== null) {
    print(`Nothing is changed yet, and the tests do not hold: ${wrong}`);
    return 1;
  }
  print(`Unchanged, the tests of ${mutants.length} mutants pass (${sound()} s).`);

  const typeCheck = createTypeCheck(scratch.directory);
  const verdicts: Verdict[] = [];
  for (const mutant of mutants) {
    const verdict = await tryMutant(scratch, mutant, typeCheck, run);
    verdicts.push(verdict);
    print(
      `${verdict.verdict.padEnd(6)} ${verdict.seconds.toString().padStart(3)} s  ${mutant.rule.padEnd(20)} ${mutant.name}: ${verdict.why}`,
    );
  }
  const count = (verdict: Verdict['verdict']): number => verdicts.filter((one) => one.verdict === verdict).length;
  print(`${count('dead')} dead, ${count('ALIVE')} alive, ${count('BROKEN')} broken of ${verdicts.length}.`);
  return count('dead') === verdicts.length ? 0 : 1;
}

/** One PostgreSQL and one Temporal server for all, and the workflows bundled once. */
async function startServers(mutants: readonly Mutant[]): Promise<NodeJS.ProcessEnv> {
  const env = { ...process.env, NODE_ENV: 'test' };
  if (mutants.every(({ tests }) => tests.every(({ file }) => WITHOUT_SERVERS.test(file)))) return env;
  const postgres = await startPostgres({ durable: false });
  closers.add(postgres.close);
  const temporal = await startTemporalServer();
  closers.add(temporal.close);
  closers.add((await bundleWorkflowsForTests()).close);
  return {
    ...env,
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    CAURI_TEST_WORKFLOWS: process.env['CAURI_TEST_WORKFLOWS'],
  };
}

/** Each test that a mutant names is there and passes; null where that is so. */
function wrongUnmutated(mutants: readonly Mutant[], { tests, trouble }: TestRun): string | null {
  const failed = tests.find(({ passed }) => !passed);
  if (failed) return `${failed.file}: ${failed.name}: ${failed.messages[0] ?? ''}`;
  for (const mutant of mutants) {
    for (const { file, name } of mutant.tests) {
      if (!tests.some((test) => test.file === file && test.name.includes(name)))
        return `${trouble ?? `test/${file}.test.ts has no test "${name}"`}, which the mutant "${mutant.name}" names`;
    }
  }
  return trouble;
}

async function tryMutant(
  scratch: Scratch,
  mutant: Mutant,
  typeCheck: ReturnType<typeof createTypeCheck>,
  run: (some: readonly Mutant[], over?: NodeJS.ProcessEnv) => Promise<TestRun>,
): Promise<Verdict> {
  const seconds = startClock();
  const mutation = mutate(scratch.directory, mutant);
  const error = mutation.file.endsWith('.ts') ? typeCheck(mutation.file, mutation.text) : null;
  if (error !== null) return { mutant, verdict: 'BROKEN', why: `it does not compile: ${error}`, seconds: seconds() };
  const restore = scratch.put(mutation);
  try {
    // What runs inside of workflows is bundled anew.
    const bundled = /^src\/(workflows|domain)\//.test(mutation.file);
    const verdict = judge(await run([mutant], bundled ? { CAURI_TEST_WORKFLOWS: undefined } : {}));
    return { mutant, ...verdict, seconds: seconds() };
  } finally {
    restore();
  }
}

function judge({ tests, trouble }: TestRun): Pick<Verdict, 'verdict' | 'why'> {
  const failed = tests.filter(({ passed }) => !passed);
  const killer = failed.find(({ byAssertion }) => byAssertion);
  if (killer) return { verdict: 'dead', why: `${killer.file}: ${killer.name}` };
  if (failed[0]) return { verdict: 'BROKEN', why: `no assertion failed: ${failed[0].messages[0] ?? failed[0].name}` };
  if (trouble !== null) return { verdict: 'BROKEN', why: trouble };
  return { verdict: 'ALIVE', why: 'all of its tests pass' };
}

function startClock(): () => number {
  const startedAt = Date.now();
  return () => Math.round((Date.now() - startedAt) / 1000);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** However it ends, what was started is closed first. */
function end(code: number, error?: unknown): void {
  if (error instanceof Error) process.stderr.write(`${inspect(error)}\n`);
  if (child !== null) process.kill(child, 'SIGKILL');
  closers.closeAll().then(
    () => process.exit(code),
    () => process.exit(1),
  );
}

process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));
process.once('SIGHUP', () => end(129));
process.once('uncaughtException', (error) => end(1, error));

main().then(
  (code) => end(code),
  (error: unknown) => end(1, error),
);
