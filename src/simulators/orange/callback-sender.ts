import type { BulkCallbackFault } from './bulk/bulk-callback-faults';
import { deliverCallback, type CallbackMessage } from './callback-delivery';
import type { Store } from './store';
import type { Timers } from './timers';

/** One event on its way to one address. */
export interface Notice {
  readonly url: URL;
  readonly fault: BulkCallbackFault | null;
  readonly truth: CallbackMessage;
  /** The same event with the contrary status. */
  readonly contrary: CallbackMessage;
  /** The same event under another batch's id; only a batch has one. */
  readonly otherBulk?: CallbackMessage;
  /** False once the simulator was reset or closed: nothing more is sent or noted. */
  isKnown(): boolean;
  note(result: number | string): void;
  /** Nothing more will be sent, also after a restart. */
  close(): void;
}

/** Sends the notice as its fault has it; resolves when the first try of the last message is over. */
export type SendNotice = (notice: Notice) => Promise<void>;

const TRIES = 6;

export function createCallbackSender({ store, timers }: { store: Store; timers: Timers }): SendNotice {
  /** 2xx ends it, 4xx ends it for good, anything else is tried again with growing waits. */
  async function deliver(notice: Notice, message: CallbackMessage, attempt = 1): Promise<void> {
    if (!notice.isKnown()) return;
    const { config } = store.state();
    const base = config.httpsHostMap[notice.url.host];
    if (base === undefined) {
      notice.note('host is not mapped');
      notice.close();
      return;
    }
    const result = await deliverCallback(notice.url, base, message);
    if (!notice.isKnown()) return;
    notice.note('status' in result ? result.status : result.error);
    const settled = 'status' in result && result.status >= 200 && result.status < 500;
    if (settled || attempt >= TRIES) notice.close();
    else {
      const wait = config.timings.callbackRetryMs * 2 ** (attempt - 1);
      timers.after(wait, () => void deliver(notice, message, attempt + 1));
    }
  }

  return async (notice) => {
    const { fault, truth, contrary } = notice;
    switch (fault) {
      case null:
      case 'early':
        return deliver(notice, truth);
      case 'lost':
        notice.note('lost');
        notice.close();
        return;
      case 'double':
        await deliver(notice, truth);
        return deliver(notice, truth);
      case 'late':
        timers.after(store.state().config.timings.lateCallbackMs, () => void deliver(notice, truth));
        return;
      case 'forged':
        await deliver(notice, { ...contrary, apiKey: 'forged', secret: 'forged' });
        return deliver(notice, truth);
      case 'contradictory':
        await deliver(notice, truth);
        return deliver(notice, contrary);
      case 'other_bulk_id':
        if (notice.otherBulk !== undefined) await deliver(notice, notice.otherBulk);
        return deliver(notice, truth);
      default:
        fault satisfies never;
    }
  };
}
