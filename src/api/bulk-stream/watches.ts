import type { ApiDeps } from '../deps';
import { readForWatchers } from './reading';
import type { BulkReading } from './reading';

/** Milliseconds between two readings of a bulk, however many watch it. */
const READ_EVERY_MS = 1_000;

/** Somebody who is told of every reading. */
export interface Watcher {
  /** Null: nothing could be read yet. */
  tell(reading: BulkReading | null): void;
  /** This process reads no longer. */
  stop(): void;
}

/** The bulks that are watched in this process. A bulk that nobody watches is not read. */
export interface BulkWatches {
  /** Tells at once what was read last, and every second what is read then, until the returned function is called. */
  watch(bulkId: string, watcher: Watcher): () => void;
  /** Stops all watchers; who comes later is stopped at once. */
  close(): void;
}

interface Watch {
  watchers: Set<Watcher>;
  last: BulkReading | null;
  timer?: NodeJS.Timeout;
}

export function createBulkWatches(deps: Pick<ApiDeps, 'pool' | 'sealing' | 'logger'>): BulkWatches {
  const watches = new Map<string, Watch>();
  let isClosed = false;

  async function read(bulkId: string, watch: Watch): Promise<void> {
    try {
      watch.last = await readForWatchers(deps, bulkId, watch.last);
    } catch (err) {
      deps.logger.warn({ err, bulk: bulkId }, 'a watched bulk could not be read; it is read again');
    }
    for (const watcher of [...watch.watchers]) watcher.tell(watch.last);
    if (watch.watchers.size > 0) watch.timer = setTimeout(() => void read(bulkId, watch), READ_EVERY_MS);
  }

  function begin(bulkId: string): Watch {
    const watch: Watch = { watchers: new Set(), last: null };
    watches.set(bulkId, watch);
    void read(bulkId, watch);
    return watch;
  }

  return {
    watch(bulkId, watcher) {
      if (isClosed) {
        watcher.stop();
        return () => undefined;
      }
      const watch = watches.get(bulkId) ?? begin(bulkId);
      watch.watchers.add(watcher);
      if (watch.last) watcher.tell(watch.last);
      return () => {
        if (!watch.watchers.delete(watcher) || watch.watchers.size > 0) return;
        clearTimeout(watch.timer);
        watches.delete(bulkId);
      };
    },

    close() {
      isClosed = true;
      for (const { watchers } of [...watches.values()]) for (const watcher of [...watchers]) watcher.stop();
    },
  };
}
