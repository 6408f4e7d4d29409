import { createBulkClient } from '../bulk-client';
import type { Program, World } from '../world';
import type { BulkContender } from './bulk-contender';

/** Lines that warm a new worker up. */
const WARM_UP_LINES = 500;

export type BulkPath = 'lines' | 'native';

/** The product as it is deployed: a CSV is uploaded, and each line is told by a webhook. One worker, on the given path. */
export function createBulkCauri(
  world: World,
  options: {
    path: BulkPath;
    api: Program;
    key: string;
    takeIndexes: (count: number) => number;
    quietMs: number;
  },
): BulkContender {
  const { path, api } = options;
  const client = createBulkClient({ apiUrl: api.url, key: options.key });
  return {
    name: path,
    what: `CSV → api → worker (ORANGE_BULK=${path}) → webhooks, with PostgreSQL`,
    async open() {
      const worker = await world.startProduct('worker', { ORANGE_BULK: path });
      const session = {
        pids: { api: api.pid, worker: worker.pid },
        events: ['payout.succeeded', 'bulk.completed'],
        eventsOf: (lines: number) => lines + 1,
        run: async (lines: number) => {
          await client.upload({ lines, firstIndex: options.takeIndexes(lines), notify: 'each' });
        },
        close: () => worker.close(),
      };
      const told = world.inbox.collect(session.events);
      await session.run(WARM_UP_LINES);
      await told.until(session.eventsOf(WARM_UP_LINES), options.quietMs);
      told.close();
      return session;
    },
  };
}
