import { AsyncLocalStorage } from 'node:async_hooks';

/** Where a payout stands still. */
export interface KillAt {
  point: string;
  /** Ends the first submit as with a dead worker, with its intent written or not, so that `recoverAttempt` is run. */
  dies?: 'before_intent' | 'after_intent';
}

/** Payout id, or another word that names it to the process, → where it stands still. */
export type KillPlan = Readonly<Record<string, KillAt>>;

/** What the process under test tells its parent. `port` where it serves; `ended`: the work that stood still is done. */
export type KillMessage = { up: true; port?: number } | { reached: string } | { ended: string };

export interface Pause {
  /** Runs work on behalf of a payout; points inside it are that payout's. */
  within<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Where the payout's own point is: tells the parent, once, and waits until the parent lets go. */
  at(point: string, name?: string): Promise<void>;
  /** What is planned for the payout at work, and its name. */
  current(): { name: string; plan: KillAt } | null;
  tellUp(port?: number): void;
}

/** Points of a process that its parent stops, kills or lets go on. Ends the process where the parent is gone. */
export function createPause(plan: KillPlan): Pause {
  const atWork = new AsyncLocalStorage<string>();
  const passed = new Set<string>();
  const waiting = new Set<() => void>();
  const tell = (message: KillMessage): void => void process.send?.(message);
  process.on('disconnect', () => process.exit(1));
  process.on('message', () => {
    for (const go of waiting) go();
    waiting.clear();
  });
  return {
    async within(name, work) {
      try {
        return await atWork.run(name, work);
      } finally {
        if (passed.has(name)) tell({ ended: name });
      }
    },
    async at(point, name = atWork.getStore() ?? '') {
      if (plan[name]?.point !== point || passed.has(name)) return;
      passed.add(name);
      const letGo = new Promise<void>((resolve) => waiting.add(resolve));
      tell({ reached: name });
      await letGo;
    },
    current() {
      const name = atWork.getStore() ?? '';
      const planned = plan[name];
      return planned ? { name, plan: planned } : null;
    },
    tellUp: (port) => tell({ up: true, ...(port === undefined ? {} : { port }) }),
  };
}
