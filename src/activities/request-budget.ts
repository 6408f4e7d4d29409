import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { leaseLateRequest, leaseRequests } from '../db/provider-rates';
import type { RequestGrant } from '../db/provider-rates';
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
  /** The same for late checks: a small share of them while payouts wait. */
  readonly late: RequestBudget;
}

export interface RequestBudgetOptions {
  pool: Pool;
  /** Per account and minute over all workers; null: no limit of ours. */
  requestsPerMinute: number | null;
  /** Milliseconds that a request waits for its turn. */
  patienceMs: number;
  /** The part of the account's requests that late checks get while payouts wait, above 0 and below 1. */
  lateShare?: number;
}

/** How many times longer yielding work waits; late checks, whose share may be one request a minute, wait longest. */
const YIELDING_PATIENCE = 12;
const LATE_PATIENCE = 120;

export const DEFAULT_LATE_SHARE = 0.1;

/** Leases request tokens in blocks from one place in PostgreSQL, so that no worker needs to know how many there are. */
export function createRequestBudget(options: RequestBudgetOptions): RequestBudget {
  const { pool, requestsPerMinute, patienceMs, lateShare = DEFAULT_LATE_SHARE } = options;
  if (requestsPerMinute === null) return createUnlimited();
  const common = { pool, perMinute: requestsPerMinute };
  const budgetOf = (spendSome: RequestBudget['spendSome']): RequestBudget => ({
    spendSome,
    async spend(account) {
      await spendSome(account, 1);
    },
    get yielding() {
      return yielding;
    },
    get late() {
      return late;
    },
  });
  // A block saves statements where the limit is high; at Orange's 60 a minute a held-back block would be a tenth of it.
  const block = Math.max(1, Math.floor(requestsPerMinute / 600));
  const ofPayouts = (yields: boolean): RequestBudget => {
    const patience = patienceMs * (yields ? YIELDING_PATIENCE : 1);
    return budgetOf(
      createSpending(patience, (account, want) =>
        leaseRequests(pool, { ...account, ...common, yields, want: Math.max(block, want) }),
      ),
    );
  };
  const yielding = ofPayouts(true);
  const late = budgetOf(
    createSpending(patienceMs * LATE_PATIENCE, (account) =>
      leaseLateRequest(pool, { ...account, ...common, share: lateShare }),
    ),
  );
  return ofPayouts(false);
}

function createUnlimited(): RequestBudget {
  const budget: RequestBudget = {
    spend: () => Promise.resolve(),
    spendSome: (_, want) => Promise.resolve(want),
    get yielding() {
      return budget;
    },
    get late() {
      return budget;
    },
  };
  return budget;
}

function createSpending(
  patienceMs: number,
  lease: (account: Account, want: number) => Promise<RequestGrant>,
): RequestBudget['spendSome'] {
  const leased = new Map<string, number>();
  return async ({ provider, accountNumber }, want) => {
    const name = `${provider}/${accountNumber}`;
    const giveUpAt = Date.now() + patienceMs;
    for (;;) {
      const left = leased.get(name) ?? 0;
      if (left > 0) {
        const spent = Math.min(left, want);
        leased.set(name, left - spent);
        return spent;
      }
      const grant = await lease({ provider, accountNumber }, want);
      if (grant.granted > 0) leased.set(name, (leased.get(name) ?? 0) + grant.granted);
      else if (Date.now() + grant.waitMs > giveUpAt) {
        throw new ProviderError('throttled', 'no request of the account is left for now');
      } else await sleep(grant.waitMs);
    }
  };
}
