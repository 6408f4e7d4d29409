import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { eventually } from '../helpers/eventually';
import type { KillMessage, KillPlan } from './kill-pause';
import { typescriptCommand } from '../helpers/process';

/** A process of the product, built with points at which it stands still. */
export interface KillProcess {
  /** The port that it serves, 0 where it serves none; waits until it is up. */
  up(): Promise<number>;
  /** Waits until each payout of the plan stands at its point; throws, naming those that do not. */
  allReached(meanwhile?: () => Promise<void>): Promise<void>;
  /** Waits until the work of each that stood at a point is done, well or badly. */
  allEnded(): Promise<void>;
  /** Lets all go on that stand at a point. */
  letGo: () => void;
  freeze(): void;
  thaw(): void;
  kill: () => Promise<void>;
  log(): string;
}

/** Many payouts at once on a busy machine. */
const PATIENCE_MS = 120_000;

export function startKillProcess(
  entry: 'kill-worker' | 'kill-api',
  { env, plan = {} }: { env: Readonly<Record<string, string>>; plan?: KillPlan },
): KillProcess {
  const [command = '', ...args] = typescriptCommand(path.join(__dirname, `${entry}.ts`));
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...env, KILL_PLAN: JSON.stringify(plan) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const reached = new Set<string>();
  const ended = new Set<string>();
  let port: number | null = null;
  let log = '';
  const collect = (chunk: Buffer): void => {
    log += chunk.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  child.on('message', (message: KillMessage) => {
    if ('up' in message) port = message.port ?? 0;
    else if ('reached' in message) reached.add(message.reached);
    else ended.add(message.ended);
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const mustLive = (): void => {
    if (hasEnded()) throw new Error(`${entry} ended (${child.exitCode ?? child.signalCode ?? '?'}):\n${log}`);
  };
  return {
    async up() {
      return Number(
        await eventually(
          `${entry} is up`,
          () => {
            mustLive();
            return port === null ? null : String(port);
          },
          PATIENCE_MS,
        ),
      );
    },
    async allReached(meanwhile = () => Promise.resolve()) {
      const missing = (): string[] => Object.keys(plan).filter((name) => !reached.has(name));
      try {
        await eventually(
          'all stand at their points',
          async () => {
            mustLive();
            if (missing().length > 0) await meanwhile();
            return missing().length === 0;
          },
          PATIENCE_MS,
        );
      } catch (error) {
        const points = missing().map((name) => `${name}: ${plan[name]?.point ?? ''}`);
        throw new Error(`not reached: ${points.join(', ')}\n${log.slice(-4_000)}`, { cause: error });
      }
    },
    async allEnded() {
      await eventually(
        'all that stood has ended',
        () => {
          mustLive();
          return ended.size === reached.size;
        },
        PATIENCE_MS,
      );
    },
    letGo() {
      mustLive();
      child.send('go');
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      if (hasEnded()) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    log: () => log,
  };
}
