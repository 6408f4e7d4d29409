import { setTimeout as sleep } from 'node:timers/promises';

export interface Renewal<T> {
  /** What is stored now, where it is good enough; null asks for a renewal. */
  read: () => Promise<T | null>;
  /** Takes the lease over all processes; false where somebody else renews. */
  lease: () => Promise<boolean>;
  /** Fetches and stores anew; the lease is given back by what it writes. Null where it was lost meanwhile: read again. */
  renew: () => Promise<T | null>;
  /** Gives the lease back after a failed renewal, so that the next caller need not wait for its end. */
  giveUp: () => Promise<void>;
  /** Milliseconds to wait for somebody else's renewal. */
  patienceMs: number;
}

/**
 * Makes one renewal serve everybody: callers of one process share one promise per name, processes share a lease in
 * PostgreSQL. Fifty payouts that need a token at once make one call.
 */
export function createRenewer(): <T>(name: string, renewal: Renewal<T>) => Promise<T> {
  const underWay = new Map<string, Promise<unknown>>();
  return async <T>(name: string, renewal: Renewal<T>): Promise<T> => {
    const present = underWay.get(name) as Promise<T> | undefined;
    if (present) return await present;
    const mine = renewOnce(renewal).finally(() => underWay.delete(name));
    underWay.set(name, mine);
    return await mine;
  };
}

async function renewOnce<T>({ read, lease, renew, giveUp, patienceMs }: Renewal<T>): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const stored = await read();
    if (stored !== null) return stored;
    if (await lease()) {
      try {
        const renewed = await renew();
        if (renewed !== null) return renewed;
        continue;
      } catch (error) {
        await giveUp();
        throw error;
      }
    }
    if (Date.now() > until) throw new Error('another process holds a renewal for too long');
    await sleep(50);
  }
}
