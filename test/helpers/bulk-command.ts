import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { eventually } from './eventually';

const PROGRAM = path.join(__dirname, '..', '..', 'dist', 'main-bulk.js');

/** `npm run bulk -- …` as a merchant runs it: the compiled program, by HTTP alone. */
export interface BulkCommandRun {
  output(): string;
  /** Waits until it has said so. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  exitCode: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Waits for bulks on a busy machine. */
const PATIENCE_MS = 120_000;

export function runBulkCommand(
  args: readonly string[],
  { directory, env }: { directory: string; env: Readonly<Record<string, string>> },
): BulkCommandRun {
  if (!existsSync(PROGRAM)) throw new Error('dist/ is missing: npm run build');
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: directory,
    // No development machine may be found where none belongs to the test.
    env: { PATH: process.env['PATH'], CAURI_STATE_DIR: path.join(directory, 'no-state'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => output,
    said: (pattern) =>
      eventually(
        `it says ${pattern}`,
        () => {
          const found = pattern.exec(output);
          if (!found && child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
          return found;
        },
        PATIENCE_MS,
      ),
    exitCode,
    kill: (signal) => void child.kill(signal),
  };
}
