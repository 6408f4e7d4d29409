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
  /** Waits for one request's turn. Throws `ProviderError` of kind `throttled` after a while. */
  spend(account: Account): Promise<void>;
  /** Waits for the turn of up to `want` requests; as many as may be had at once, at least one. Throws like `spend`. */
  spendSome(account: Account, want: number): Promise<number>;
  /** The same requests for work that takes all it can get: it leaves a part to others, and waits longer. */
  readonly yielding: RequestBudget;
}

export interface RequestBudgetOptions {
  pool: Pool;
  /** Per account and minute over all workers; null: no limit of ours. */
  requestsPerMinute: number | null;
  /** Milliseconds that a request waits for its turn. */
  patienceMs: number;
}

/** How many times longer yielding work waits. */
const YIELDING_PATIENCE = 12;

/** Leases request tokens in blocks from one place in PostgreSQL, so that no worker needs to know how many there are. */
export function createRequestBudget(options: RequestBudgetOptions): RequestBudget {
  const budgetOf = (yields: boolean): Omit<RequestBudget, 'yielding'> => {
    const patienceMs = options.patienceMs * (yields ? YIELDING_PATIENCE : 1);
    const spendSome = createSpending({ ...options, patienceMs, yields });
    return {
      spendSome,
      async spend(account) {
        await spendSome(account, 1);
      },
    };
  };
  const yielding: RequestBudget = {
    ...budgetOf(true),
    get yielding() {
      return yielding;
    },
  };
  return { ...budgetOf(false), yielding };
}

function createSpending(options: RequestBudgetOptions & { yields: boolean }): RequestBudget['spendSome'] {
  const { pool, requestsPerMinute, patienceMs, yields } = options;
  // A block saves statements where the limit is high; at Orange's 60 a minute a held-back block would be a tenth of it.
  const block = requestsPerMinute === null ? 0 : Math.max(1, Math.floor(requestsPerMinute / 600));
  const leased = new Map<string, number>();
  return async ({ provider, accountNumber }, want) => {
    if (requestsPerMinute === null) return want;
    const name = `${provider}/${accountNumber}`;
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      const left = leased.get(name) ?? 0;
      if (left > 0) {
        const spent = Math.min(left, want);
        leased.set(name, left - spent);
        return spent;
      }
      const grant = await leaseRequests(pool, {
        ...{ provider, accountNumber, yields },
        want: Math.max(block, want),
        perMinute: requestsPerMinute,
      });
      if (grant.granted > 0) leased.set(name, (leased.get(name) ?? 0) + grant.granted);
      else if (Date.now() + grant.waitMs > giveUpAt) {
        throw new ProviderError('throttled', 'no request of the account is left for now');
      } else await sleep(grant.waitMs);
    }
  };
}
