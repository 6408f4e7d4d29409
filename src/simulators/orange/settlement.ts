import type { Callbacks } from './callbacks';
import type { Row } from './state';
import type { Store } from './store';
import type { Timers } from './timers';
import { isFinal } from './transaction-status';

export interface Settlement {
  /** Brings the row to its last status when its time has come; rows that are final already only report themselves. */
  follow(row: Row): void;
  /** Takes up what a killed process left unsettled or unreported. */
  resume(): void;
}

export function createSettlement(parts: { store: Store; timers: Timers; callbacks: Callbacks }): Settlement {
  const { store, timers, callbacks } = parts;

  function settle(row: Row): void {
    const present = store.state().rowById.get(row.transactionId) === row;
    if (!present || row.last === null) return;
    store.record({ e: 'settled', transactionId: row.transactionId, status: row.last, at: Date.now() });
    callbacks.announce(row);
  }

  function follow(row: Row): void {
    if (isFinal(row.status)) callbacks.announce(row);
    else if (row.settleAt !== null) timers.after(Math.max(0, row.settleAt - Date.now()), () => settle(row));
  }

  return {
    follow,
    resume: () => {
      for (const row of store.state().rows) follow(row);
    },
  };
}
