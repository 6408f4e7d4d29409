import { setTimeout as sleep } from 'node:timers/promises';

import { createReceiver } from '../src/start/receiver';

/** The merchant's endpoint of all contenders: verifies each webhook, and tells when the one of a payout came. */
export interface Inbox {
  url: string;
  verifyBy(secret: string): void;
  /** Settles when the verified `payout.succeeded` of the payout is here. @throws Error after `patienceMs`. */
  succeeded(payoutId: string, patienceMs: number): Promise<void>;
  /** Counts the verified events of these types from now on, until it is closed; nobody else is told of them. */
  collect(types: readonly string[]): Collection;
  close(): Promise<void>;
}

/** Verified events, each object counted once. */
export interface Collection {
  size(): number;
  /** @throws Error where no new one came for `quietMs`. */
  until(count: number, quietMs: number): Promise<void>;
  close(): void;
}

export async function createInbox(): Promise<Inbox> {
  let secret: string | undefined;
  const early = new Set<string>();
  const waiting = new Map<string, () => void>();
  const collections = new Set<{ types: readonly string[]; ids: Set<string> }>();
  const receiver = await createReceiver({
    port: 0,
    secret: () => secret,
    report: ({ verified, body }) => {
      if (!verified) return;
      const { type, data } = body as { type: string; data: { id: string } };
      const collecting = [...collections].filter(({ types }) => types.includes(type));
      for (const { ids } of collecting) ids.add(data.id);
      if (type !== 'payout.succeeded' || collecting.length > 0) return;
      const told = waiting.get(data.id);
      if (told) told();
      else early.add(data.id);
    },
  });
  return {
    url: `${receiver.url}/webhooks`,
    verifyBy: (value) => void (secret = value),
    succeeded: (payoutId, patienceMs) =>
      new Promise((resolve, reject) => {
        if (early.delete(payoutId)) {
          resolve();
          return;
        }
        const end = (error?: Error): void => {
          clearTimeout(timer);
          waiting.delete(payoutId);
          if (error) reject(error);
          else resolve();
        };
        const timer = setTimeout(
          () => end(new Error(`no payout.succeeded of ${payoutId} within ${patienceMs / 1_000} s`)),
          patienceMs,
        );
        waiting.set(payoutId, end);
      }),
    collect(types) {
      const collection = { types, ids: new Set<string>() };
      collections.add(collection);
      return {
        size: () => collection.ids.size,
        until: (count, quietMs) => untilGrown(collection.ids, count, quietMs),
        close: () => void collections.delete(collection),
      };
    },
    close: () => receiver.close(),
  };
}

/** Looks often enough for the time of the last one to be exact to a few milliseconds. */
async function untilGrown(ids: ReadonlySet<string>, count: number, quietMs: number): Promise<void> {
  let seen = ids.size;
  let seenAt = Date.now();
  while (ids.size < count) {
    await sleep(5);
    if (ids.size > seen) [seen, seenAt] = [ids.size, Date.now()];
    if (Date.now() - seenAt > quietMs)
      throw new Error(`${seen} of ${count} webhooks came, none for ${quietMs / 1_000} s`);
  }
}
