import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createRunFile } from '../start/run-file';
import type { Dice } from './dice';
import type { Kill } from './judge';

export const KILLED_PROCESSES = ['worker', 'api', 'temporal', 'postgres'] as const;

export type KilledProcess = (typeof KILLED_PROCESSES)[number];

/** Each so often in a round, in an order of the dice: the worker most often, since it holds the money calls. */
const ROUND: readonly KilledProcess[] = ['worker', 'worker', 'worker', 'api', 'postgres', 'temporal'];

export interface Killer {
  kills: readonly Kill[];
  /** Ends the next process with SIGKILL and waits until another one has its place. */
  killNext(open: number): Promise<KilledProcess>;
}

const PATIENCE_MS = 90_000;

export interface KillerOptions {
  stateDirectory: string;
  dice: Dice;
  isUp: (process: KilledProcess) => Promise<boolean>;
}

/** Kills by the list of children on disk; the supervisor starts them again. */
export function createKiller({ stateDirectory, dice, isUp }: KillerOptions): Killer {
  const runFile = createRunFile(join(stateDirectory, 'run.json'));
  const kills: Kill[] = [];
  const pidOf = (name: KilledProcess): number | undefined => runFile.read().find((child) => child.name === name)?.pid;

  function turnOf(turn: number): KilledProcess {
    const round = Math.floor(turn / ROUND.length);
    const order = ROUND.map((name, place) => ({ name, lot: dice.draw('kill', round, place) }));
    order.sort((a, b) => a.lot - b.lot);
    return order[turn % ROUND.length]?.name ?? 'worker';
  }

  return {
    kills,
    async killNext(open) {
      const name = turnOf(kills.length);
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
