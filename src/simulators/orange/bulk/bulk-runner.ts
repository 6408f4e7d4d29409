import type { Settlement } from '../settlement';
import type { Store } from '../store';
import type { Timers } from '../timers';
import { isFinal } from '../transaction-status';
import type { BulkCallbacks } from './bulk-callbacks';
import { rowsOfLine } from './bulk-line';
import type { Bulk } from './bulk-state';

export interface BulkRunner {
  /** Processes the lines that are due, and from now on each one when its time comes; then ends the batch. */
  run(bulk: Bulk): void;
  /** Processes every line now, due or not. The batch ends as always. */
  runAll(bulk: Bulk): void;
  /** Takes up what a killed process left under way or unreported. */
  resume(): void;
}

/** Lines processed before other requests have their turn. */
const AT_ONCE = 50;
const AGAIN_MS = 10;

export function createBulkRunner(parts: {
  store: Store;
  timers: Timers;
  settlement: Settlement;
  bulkCallbacks: BulkCallbacks;
}): BulkRunner {
  const { store, timers, settlement, bulkCallbacks } = parts;

  function isPresent({ bulkId }: Bulk): boolean {
    return !store.closed() && store.state().bulks.has(bulkId);
  }

  function processNext(bulk: Bulk): void {
    const line = bulk.lines[bulk.processed];
    if (line === undefined) return;
    const before = bulk.rowsWritten.length;
    store.record({ e: 'bulk_line', bulkId: bulk.bulkId, rows: rowsOfLine(store.state(), bulk, line) });
    for (const row of bulk.rowsWritten.slice(before)) settlement.follow(row);
  }

  function run(bulk: Bulk): void {
    if (!isPresent(bulk)) return;
    for (let done = 0; done < AT_ONCE; done += 1) {
      const line = bulk.lines[bulk.processed];
      if (line === undefined || line.dueAt > Date.now()) break;
      processNext(bulk);
    }
    const next = bulk.lines[bulk.processed];
    if (next !== undefined) timers.after(Math.max(0, next.dueAt - Date.now()), () => run(bulk));
    if (next === undefined || next.straggler) end(bulk);
  }

  /** Ends it once its lines are processed and whatever of them settles has settled; rows that never do are not waited for. */
  function end(bulk: Bulk): void {
    if (!isPresent(bulk) || bulk.endedAt !== null) return;
    const settling = bulk.rowsWritten.filter((row) => !isFinal(row.status) && row.settleAt !== null);
    const notBefore = settling.reduce((latest, { settleAt }) => Math.max(latest, settleAt ?? 0), bulk.endsAt);
    if (settling.length > 0 || notBefore > Date.now()) {
      timers.after(Math.max(AGAIN_MS, notBefore - Date.now()), () => end(bulk));
      return;
    }
    store.record({ e: 'bulk_ended', bulkId: bulk.bulkId, at: Date.now() });
    bulkCallbacks.announce(bulk);
  }

  return {
    run,
    runAll: (bulk) => {
      while (bulk.processed < bulk.lines.length) processNext(bulk);
      end(bulk);
    },
    resume: () => {
      for (const bulk of store.state().bulks.values()) {
        if (bulk.endedAt !== null) bulkCallbacks.announce(bulk);
        run(bulk);
      }
    },
  };
}
