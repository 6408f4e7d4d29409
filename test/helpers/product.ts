import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { eventually } from './eventually';

const DIST = path.join(__dirname, '..', '..', 'dist');

/** One of the product's own processes, as it is deployed: compiled code, configured by its environment only. */
export interface ProductProcess {
  child: ChildProcess;
  /** Everything that it wrote so far. */
  log(): string;
  /** The port that it listens on; waits for its first log line that names one. */
  port(): Promise<number>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export function startProduct(
  program: 'api' | 'worker',
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): ProductProcess {
  const child = spawn(process.execPath, [path.join(DIST, `main-${program}.js`), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const collect = (chunk: Buffer): void => {
    log += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return {
    child,
    log: () => log,
    port: () =>
      eventually(`${program} listens`, () => {
        if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${log}`);
        const port = /"port":(\d+)/.exec(log)?.[1];
        return port !== undefined && Number(port);
      }),
    async kill(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
