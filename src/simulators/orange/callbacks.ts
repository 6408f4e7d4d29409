import { createMessage, type CallbackMessage } from './callback-delivery';
import type { CallbackFault } from './callback-faults';
import type { CallbackLog } from './callback-log';
import type { SendNotice } from './callback-sender';
import type { ResolvedOptions } from './options';
import { pickByRate, seededDraw } from './seeded-draw';
import type { Registration, Row } from './state';
import type { Store } from './store';
import { isFinal } from './transaction-status';

export interface Callbacks {
  /** Delivers the row's notification; does nothing for rows whose truth is never revealed, and for lines of a bulk. */
  announce(row: Row): void;
  /** Where the fault `early` is drawn: delivers it and waits for that, before the cash-in is answered. */
  announceEarly(row: Row): Promise<void>;
}

interface Delivery {
  readonly row: Row;
  readonly registration: Registration;
  readonly fault: CallbackFault | null;
}

type NotifiedStatus = 'SUCCESS' | 'FAILED';

export function createCallbacks(parts: {
  store: Store;
  options: ResolvedOptions;
  log: CallbackLog;
  sendNotice: SendNotice;
}): Callbacks {
  const { store, options, log, sendNotice } = parts;

  function planned(row: Row): Delivery | undefined {
    const { config, accounts, registrations } = store.state();
    const registration = registrations.get(accounts.get(row.payer)?.code ?? '');
    const silent =
      row.bulkId !== null ||
      row.callbackClosed ||
      row.search === 'hidden' ||
      (row.last === null && !isFinal(row.status));
    if (!config.callbacks.enabled || registration === undefined || silent) return undefined;
    const draw = seededDraw(options.seed, 'callback', row.customer.id, row.submission);
    return { row, registration, fault: pickByRate(config.callbacks.faults, draw) ?? null };
  }

  function closeCallback({ transactionId, callbackClosed }: Row): void {
    if (!callbackClosed) store.record({ e: 'callback_closed', transactionId });
  }

  function send({ row, registration, fault }: Delivery): Promise<void> {
    const { transactionId, reference } = row;
    const url = new URL(registration.callbackUrl);
    const message = (status: NotifiedStatus): CallbackMessage =>
      createMessage(notificationBody(row, status), registration.apiKey, store.state().config.callbacks.secret);
    const truth: NotifiedStatus = (isFinal(row.status) ? row.status : row.last) === 'SUCCESS' ? 'SUCCESS' : 'FAILED';
    return sendNotice({
      url,
      fault,
      truth: message(truth),
      contrary: message(truth === 'SUCCESS' ? 'FAILED' : 'SUCCESS'),
      isKnown: () => !store.closed() && store.state().rowById.get(transactionId) === row,
      note: (result) =>
        log.note({ transactionId, bulkId: null, reference, url: url.href, fault, result, at: Date.now() }),
      close: () => closeCallback(row),
    });
  }

  return {
    announce: (row) => {
      const delivery = planned(row);
      if (delivery !== undefined) void send(delivery);
    },
    announceEarly: async (row) => {
      const delivery = planned(row);
      if (delivery?.fault === 'early') await send(delivery);
    },
  };
}

/** Orange's `Notification`; it knows two statuses only and carries amounts as integers. */
function notificationBody(row: Row, status: NotifiedStatus): object {
  const { id, idType } = row.partner;
  return {
    amount: { value: row.amount, unit: 'XOF' },
    partner: { id, idType },
    customer: { id: row.customer.id, idType: row.customer.idType },
    ...(row.reference === null ? {} : { reference: row.reference }),
    type: 'CASHIN',
    channel: 'API',
    transactionId: row.transactionId,
    paymentMethod: 'QRCODE',
    status,
  };
}
