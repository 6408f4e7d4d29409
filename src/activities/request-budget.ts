import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { leaseRequests } from '../db/provider-rates';
import { ProviderError } from '../providers/provider';

interface Account {
  provider: string;
  accountNumber: string;
}

/** HTTP requests that may be sent in an account's name, shared by all workers. */
export interface RequestBudget {
  /** Waits for one request's turn. Throws `ProviderError` of kind `throttled` after `patienceMs`. */
  spend(account: Account): Promise<void>;
}

export interface RequestBudgetOptions {
  pool: Pool;
  /** Per account and minute over all workers; null: no limit of ours. */
  requestsPerMinute: number | null;
  /** Milliseconds that a request waits for its turn. */
  patienceMs: number;
}

/** Leases request tokens in blocks from one place in PostgreSQL, so that no worker needs to know how many there are. */
export function createRequestBudget({ pool, requestsPerMinute, patienceMs }: RequestBudgetOptions): RequestBudget {
  // A block saves statements where the limit is high; at Orange's 60 a minute a held-back block would be a tenth of it.
  const block = requestsPerMinute === null ? 0 : Math.max(1, Math.floor(requestsPerMinute / 600));
  const leased = new Map<string, number>();
  return {
    async spend({ provider, accountNumber }) {
      if (requestsPerMinute === null) return;
      const name = `${provider}/${accountNumber}`;
      const giveUpAt = Date.now() + patienceMs;
      for (;;) {
        const left = leased.get(name) ?? 0;
        if (left > 0) {
          leased.set(name, left - 1);
          return;
        }
        const grant = await leaseRequests(pool, { provider, accountNumber, want: block, perMinute: requestsPerMinute });
        if (grant.granted > 0) {
          leased.set(name, (leased.get(name) ?? 0) + grant.granted - 1);
          return;
        }
        if (Date.now() + grant.waitMs > giveUpAt) {
          throw new ProviderError('throttled', 'no request of the account is left for now');
        }
        await sleep(grant.waitMs);
      }
    },
  };
}
