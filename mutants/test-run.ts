import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

import { z } from 'zod';

import type { MutantTest } from './mutant';

export interface RanTest {
  /** Within test/, without `.test.ts`. */
  file: string;
  name: string;
  passed: boolean;
  /** By an `expect` that did not hold, not by something thrown. */
  byAssertion: boolean;
  messages: readonly string[];
}

export interface TestRun {
  tests: readonly RanTest[];
  /** Why a file, or the whole run, could not be run; null where all were. */
  trouble: string | null;
}

/** Milliseconds for one test; far more than one takes, and less than anybody wants to wait for a mutant that hangs. */
const TEST_TIMEOUT_MS = 90_000;

/** Milliseconds for a run: where a mutant breaks the set-up of a test, what was started there keeps jest from ending. */
const RUN_TIMEOUT_MS = 1_800_000;

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullable() }),
      ),
    }),
  ),
});

/** Runs these tests of a copy of the repository. */
export async function runTests(
  directory: string,
  tests: readonly MutantTest[],
  { env, workers, onPid }: { env: NodeJS.ProcessEnv; workers: number; onPid: (pid: number | null) => void },
): Promise<TestRun> {
  const outputFile = join(directory, '.mutants-report.json');
  rmSync(outputFile, { force: true });
  const files = [...new Set(tests.map(({ file }) => `test/${file}.test.ts`))];
  const names = [...new Set(tests.map(({ name }) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))];
  const args = [
    ...[
      'node_modules/jest/bin/jest.js',
      '--maxWorkers',
      String(workers),
      '--json',
      '--forceExit',
      '--outputFile',
      outputFile,
    ],
    ...['--testTimeout', String(TEST_TIMEOUT_MS), '--testNamePattern', names.join('|'), '--runTestsByPath', ...files],
  ];
  const child = spawn(process.execPath, args, { cwd: directory, env, stdio: ['ignore', 'ignore', 'pipe'] });
  onPid(child.pid ?? null);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_TIMEOUT_MS);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  onPid(null);

  let text: string;
  try {
    text = readFileSync(outputFile, 'utf8');
  } catch {
    return { tests: [], trouble: `the tests did not run: ${said.trim().slice(-600)}` };
  }
  const { testResults } = report.parse(JSON.parse(text));
  const ran = testResults.flatMap(({ name: path, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .map(({ fullName, status, failureMessages }): RanTest => {
        const messages = failureMessages ?? [];
        return {
          file: relative(join(directory, 'test'), path).replace(/\.test\.ts$/, ''),
          name: fullName,
          passed: status === 'passed',
          byAssertion: messages.some((message) => message.includes('expect(')),
          messages,
        };
      }),
  );
  const unloaded = testResults.find(({ assertionResults, message }) => assertionResults.length === 0 && message !== '');
  return { tests: ran, trouble: unloaded ? firstLines(unloaded.message) : null };
}

function firstLines(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 6)
    .join(' ');
}
