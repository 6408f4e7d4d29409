import { inspect } from 'node:util';

import { createClosers } from './closers';
import { readMachine } from './measure/machine';
import type { Mode } from './mode';
import { accept } from './modes/accept';
import { bulk } from './modes/bulk';
import { fairness } from './modes/fairness';
import { memory } from './modes/memory';
import { single } from './modes/single';
import { parseBenchCommand } from './options';

/** Each mode is one file of modes/. */
const MODES: Readonly<Record<string, Mode>> = { single, accept, bulk, memory, fairness };

const closers = createClosers();

/** Measures the product beside its baselines in one run. Flags: --payouts N (or --items N), --rounds N, --only NAME, --set NAME=VALUE, --profile, --json. */
async function main(): Promise<number> {
  const { mode: name, options } = parseBenchCommand(process.argv.slice(2), (mode) => MODES[mode]);
  const mode = MODES[name];
  if (!mode)
    throw new Error(
      `npm run bench -- ${Object.keys(MODES).join(' | ')} [--items N] [--rounds N] [--only NAME] [--set NAME=VALUE] [--profile] [--json]`,
    );
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const machine = readMachine();
  print(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, load before ${machine.loadBefore}`);
  const result = await mode.run({ ...options, closers, print });
  await closers.closeAll();
  if (options.profileDirectory) print(`CPU profiles of the product's processes: ${options.profileDirectory}`);
  if (result.violation) print(`FAILED: ${result.violation}`);
  if (options.json) print(JSON.stringify({ mode: name, machine, ...options, ...result }));
  return result.violation ? 1 : 0;
}

/** However it ends, what was started is closed first: the servers run in process groups of their own. */
function end(code: number, error?: unknown): void {
  // With the errors that caused it.
  if (error instanceof Error) process.stderr.write(`${inspect(error)}\n`);
  closers.closeAll().then(
    () => process.exit(code),
    () => process.exit(1),
  );
}

process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));
process.once('SIGHUP', () => end(129));
process.once('uncaughtException', (error) => end(1, error));
// A closed pipe must not keep us from closing the servers.
process.stdout.on('error', () => end(1));

main().then(
  (code) => end(code),
  (error: unknown) => end(1, error),
);
