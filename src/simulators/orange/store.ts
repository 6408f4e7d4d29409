import type { SimulatorEvent } from './events';
import { openJournal } from './journal';
import type { ResolvedOptions } from './options';
import { applyEvent, createState, type SimulatorState } from './state';

export interface Store {
  /** The present state; a new object after `reset`. */
  state(): SimulatorState;
  /** Journals the event, then applies it: what was applied survives a kill. */
  record(event: SimulatorEvent): void;
  /** Back to the state of the options. The key pair and the token secret stay, so that clients need no restart. */
  reset(): void;
  closed(): boolean;
  close(): void;
}

export function openStore(options: ResolvedOptions): Store {
  let closed = false;
  let state = createState(options.runtime);
  const journal =
    options.journalPath === undefined
      ? undefined
      : openJournal<SimulatorEvent>(options.journalPath, (event) => applyEvent(state, event));

  function record(event: SimulatorEvent): void {
    journal?.append(event);
    applyEvent(state, event);
  }

  function openConfiguredAccounts(): void {
    for (const { float, ...account } of options.accounts) {
      if (state.accounts.has(account.msisdn)) continue;
      record({ e: 'account', type: 'retailer', ...account });
      record({ e: 'float_issued', msisdn: account.msisdn, amount: float });
    }
  }

  openConfiguredAccounts();
  return {
    state: () => state,
    record,
    reset: () => {
      const { tokenSecret, key } = state;
      journal?.clear();
      state = createState(options.runtime);
      if (tokenSecret !== null) record({ e: 'token_secret', secret: tokenSecret });
      if (key !== null) record({ e: 'key', ...key });
      openConfiguredAccounts();
    },
    closed: () => closed,
    close: () => {
      closed = true;
      journal?.close();
    },
  };
}
