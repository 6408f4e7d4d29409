import { createMessage, deliverCallback, type CallbackMessage } from './callback-delivery';
import type { CallbackFault, ResolvedOptions } from './options';
import { pickByRate, seededDraw } from './seeded-draw';
import type { Registration, Row } from './state';
import type { Store } from './store';
import type { Timers } from './timers';
import { isFinal } from './transaction-status';

/** One attempt to deliver a callback, or the reason why none was made. */
export interface CallbackAttempt {
  readonly transactionId: string;
  readonly reference: string | null;
  readonly url: string;
  readonly fault: CallbackFault | null;
  /** HTTP status, the error, or why nothing was sent. */
  readonly result: number | string;
  readonly at: number;
}

export interface Callbacks {
  /** Delivers the row's notification; does nothing for rows whose truth is never revealed. */
  announce(row: Row): void;
  /** Where the fault `early` is drawn: delivers it and waits for that, before the cash-in is answered. */
  announceEarly(row: Row): Promise<void>;
  attempts(): readonly CallbackAttempt[];
  reset(): void;
}

interface Delivery {
  readonly row: Row;
  readonly url: URL;
  readonly registration: Registration;
  readonly fault: CallbackFault | null;
}

type NotifiedStatus = 'SUCCESS' | 'FAILED';
const TRIES = 6;

export function createCallbacks(parts: { store: Store; timers: Timers; options: ResolvedOptions }): Callbacks {
  const { store, timers, options } = parts;
  let attempts: CallbackAttempt[] = [];

  function planned(row: Row): Delivery | undefined {
    const { config, accounts, registrations } = store.state();
    const registration = registrations.get(accounts.get(row.payer)?.code ?? '');
    const silent = row.callbackClosed || row.search === 'hidden' || (row.last === null && !isFinal(row.status));
    if (!config.callbacks.enabled || registration === undefined || silent) return undefined;
    const draw = seededDraw(options.seed, 'callback', row.customer.id, row.submission);
    const fault = pickByRate(config.callbacks.faults, draw) ?? null;
    return { row, url: new URL(registration.callbackUrl), registration, fault };
  }

  function note({ row, url, fault }: Delivery, result: number | string): void {
    const { transactionId, reference } = row;
    attempts.push({ transactionId, reference, url: url.href, fault, result, at: Date.now() });
  }

  function closeCallback(row: Row): void {
    const known = store.state().rowById.get(row.transactionId) === row;
    if (known && !row.callbackClosed) store.record({ e: 'callback_closed', transactionId: row.transactionId });
  }

  /** 2xx ends it, 4xx ends it for good, anything else is tried again with growing waits. */
  async function deliver(delivery: Delivery, message: CallbackMessage, attempt = 1): Promise<void> {
    const { config } = store.state();
    const base = config.httpsHostMap[delivery.url.host];
    if (base === undefined) {
      note(delivery, 'host is not mapped');
      closeCallback(delivery.row);
      return;
    }
    const result = await deliverCallback(delivery.url, base, message);
    note(delivery, 'status' in result ? result.status : result.error);
    const settled = 'status' in result && result.status >= 200 && result.status < 500;
    if (settled || attempt >= TRIES) closeCallback(delivery.row);
    else {
      const wait = config.timings.callbackRetryMs * 2 ** (attempt - 1);
      timers.after(wait, () => void deliver(delivery, message, attempt + 1));
    }
  }

  function messageOf(delivery: Delivery, status: NotifiedStatus): CallbackMessage {
    const { secret } = store.state().config.callbacks;
    return createMessage(notificationBody(delivery.row, status), delivery.registration, secret);
  }

  async function send(delivery: Delivery): Promise<void> {
    const { row, fault } = delivery;
    const truth: NotifiedStatus = (isFinal(row.status) ? row.status : row.last) === 'SUCCESS' ? 'SUCCESS' : 'FAILED';
    const message = messageOf(delivery, truth);
    const opposite: NotifiedStatus = truth === 'SUCCESS' ? 'FAILED' : 'SUCCESS';
    switch (fault) {
      case null:
      case 'early':
        return deliver(delivery, message);
      case 'lost':
        note(delivery, 'lost');
        closeCallback(row);
        return;
      case 'double':
        await deliver(delivery, message);
        return deliver(delivery, message);
      case 'late':
        timers.after(store.state().config.timings.lateCallbackMs, () => void deliver(delivery, message));
        return;
      case 'forged':
        await deliver(delivery, { ...messageOf(delivery, opposite), apiKey: 'forged', secret: 'forged' });
        return deliver(delivery, message);
      case 'contradictory':
        await deliver(delivery, message);
        return deliver(delivery, messageOf(delivery, opposite));
      default:
        fault satisfies never;
    }
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
    attempts: () => attempts,
    reset: () => {
      attempts = [];
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
