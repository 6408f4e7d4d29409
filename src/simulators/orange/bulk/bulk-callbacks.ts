import { randomUUID } from 'node:crypto';
import { createMessage, type CallbackMessage } from '../callback-delivery';
import type { CallbackLog } from '../callback-log';
import type { SendNotice } from '../callback-sender';
import { accountOf } from '../state';
import type { Store } from '../store';
import type { Bulk } from './bulk-state';

export interface BulkCallbacks {
  /** Reports the end of the batch to the address of its call, unless nothing more is to be sent. */
  announce(bulk: Bulk): void;
  /** Where its fault is `early`: reports it now and waits for that. */
  announceEarly(bulk: Bulk): Promise<void>;
}

export function createBulkCallbacks(parts: { store: Store; log: CallbackLog; sendNotice: SendNotice }): BulkCallbacks {
  const { store, log, sendNotice } = parts;

  async function send(bulk: Bulk): Promise<void> {
    const { bulkId, callback, callbackUrl } = bulk;
    if (callback === null || bulk.callbackClosed) return;
    const { status, fault } = callback;
    const contrary = status === 'SUCCESS' ? 'FAILED' : 'SUCCESS';
    const url = new URL(callbackUrl);
    const message = (told: string, id = bulkId): CallbackMessage =>
      createMessage(notificationBody(bulk, id, told), apiKeyOf(bulk), store.state().config.callbacks.secret);
    await sendNotice({
      url,
      fault,
      truth: message(status),
      contrary: message(contrary),
      otherBulk: message(status, randomUUID()),
      isKnown: () => !store.closed() && store.state().bulks.get(bulkId) === bulk,
      note: (result) =>
        log.note({ transactionId: null, bulkId, reference: bulkId, url: url.href, fault, result, at: Date.now() }),
      close: () => {
        if (!bulk.callbackClosed) store.record({ e: 'bulk_callback_closed', bulkId });
      },
    });
  }

  /** The key that was registered for the paying account's own callbacks. */
  function apiKeyOf({ payer }: Bulk): string | null {
    const state = store.state();
    const { code } = accountOf(state, payer);
    return state.registrations.get(code ?? '')?.apiKey ?? null;
  }

  return {
    announce: (bulk) => void send(bulk),
    announceEarly: async (bulk) => {
      if (bulk.callback?.fault === 'early') await send(bulk);
    },
  };
}

/** Orange's `NotificationBulkCashin`: it says nothing of any line. */
function notificationBody({ metadata, endedAt }: Bulk, bulkId: string, status: string): object {
  return {
    type: 'BULK_CASHIN',
    reference: bulkId,
    status,
    description: 'bulk cashin processing finished',
    date: `${new Date(endedAt ?? Date.now()).toISOString().slice(0, 19)}Z`,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}
