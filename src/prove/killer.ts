import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createRunFile } from '../start/run-file';
import type { Kill } from './judge';

export const KILLED_PROCESSES = ['worker', 'api', 'temporal', 'postgres'] as const;

export type KilledProcess = (typeof KILLED_PROCESSES)[number];

/** In this order, again and again: the worker most often, since it holds the money calls. */
const ORDER: readonly KilledProcess[] = ['worker', 'api', 'worker', 'postgres', 'worker', 'temporal'];

export interface Killer {
  kills: readonly Kill[];
  /** Ends the next process with SIGKILL and waits until another one has its place. */
  killNext(open: number): Promise<KilledProcess>;
}

const PATIENCE_MS = 90_000;

/** Kills by the list of children on disk; the supervisor starts them again. */
export function createKiller(stateDirectory: string, isUp: (process: KilledProcess) => Promise<boolean>): Killer {
  const runFile = createRunFile(join(stateDirectory, 'run.json'));
  const kills: Kill[] = [];
  const pidOf = (name: KilledProcess): number | undefined => runFile.read().find((child) => child.name === name)?.pid;

  return {
    kills,
    async killNext(open) {
      const name = ORDER[kills.length % ORDER.length] ?? 'worker';
      const pid = pidOf(name);
      if (pid === undefined) throw new Error(`there is no process ${name} to kill`);
      kills.push({ process: name, at: Date.now(), open });
      process.kill(pid, 'SIGKILL');
      const giveUpAt = Date.now() + PATIENCE_MS;
      for (;;) {
        const now = pidOf(name);
        if (now !== undefined && now !== pid && (await isUp(name))) return name;
        if (Date.now() > giveUpAt) throw new Error(`${name} did not come back after it was killed`);
        await sleep(200);
      }
    },
  };
}
