import type { Pool } from 'pg';

import { acceptPayouts } from './accept-payout';
import type { AcceptResult, NewPayout } from './accept-payout';

/** Payouts that one transaction accepts at most: bounds how long it holds the merchants' ledger accounts. */
const MOST_AT_ONCE = 64;

export interface AcceptQueue {
  accept: (accepted: NewPayout) => Promise<AcceptResult>;
  /** True while payouts come faster than they are written one by one. */
  isBusy: () => boolean;
}

/** Milliseconds for which a batch says that there are many. */
const BUSY_FOR_MS = 100;

interface Waiting {
  accepted: NewPayout;
  resolve: (result: AcceptResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Accepts payouts, those of a merchant that come while others of it are being written in one transaction with each other:
 * one commit and one turn at the merchant's ledger accounts for all of them. Nobody waits where nobody of the same merchant
 * is before them.
 */
export function createAcceptQueue(pool: Pool): AcceptQueue {
  const queues = new Map<string, Waiting[]>();
  let busyUntil = -Infinity;

  async function write(merchantId: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MOST_AT_ONCE);
      try {
        const results = await acceptPayouts(
          pool,
          batch.map(({ accepted }) => accepted),
        );
        batch.forEach(({ resolve }, index) => resolve(results[index] ?? 'duplicate'));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      if (batch.length > 1) busyUntil = performance.now() + BUSY_FOR_MS;
    }
    queues.delete(merchantId);
  }

  return {
    accept: (accepted) =>
      new Promise((resolve, reject) => {
        const { merchantId } = accepted.payout;
        const waiting = queues.get(merchantId);
        if (waiting) {
          waiting.push({ accepted, resolve, reject });
          return;
        }
        const first = [{ accepted, resolve, reject }];
        queues.set(merchantId, first);
        void write(merchantId, first);
      }),
    isBusy: () => performance.now() < busyUntil,
  };
}
