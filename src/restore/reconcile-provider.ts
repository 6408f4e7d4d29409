import { setTimeout as sleep } from 'node:timers/promises';

import { lockPayout } from '../db/payout-rows';
import { recoverSubmission } from '../db/recover-submission';
import type { Restore } from '../db/restores';
import { insertStranger } from '../db/strangers';
import { withTransaction } from '../db/transaction';
import type { ProviderRow } from '../domain/look-up';
import { parseReference } from '../domain/reference';
import type { RestoreDeps } from './restore-deps';

/** Gap between two passes over all transactions: only two that agree are believed to be complete. */
const NEXT_PASS_MS = 500;
const MAX_PASSES = 10;

/** What our references start with; others are the merchant's own business on the same account. */
const OUR_PREFIX = 'sub_';

export interface ProviderCounts {
  transactions: number;
  /** Calls that the provider shows and the database had lost. */
  callsFound: number;
  strangers: number;
}

/**
 * Holds every transaction that the providers made since the backup against the database: one of a payout that is known, by
 * a call that is not, is written down as a call whose outcome is unknown; one of a payout that is not known is a stranger.
 * Throws `ProviderError` where a provider cannot be asked.
 */
export async function reconcileProviders(deps: RestoreDeps, restore: Restore): Promise<ProviderCounts> {
  const { pool } = deps;
  const counts: ProviderCounts = { transactions: 0, callsFound: 0, strangers: 0 };
  const { rows: credentials } = await pool.query<{ id: string }>('select id from credentials order by id');
  for (const { id } of credentials) {
    for (const row of await completeList(deps, id, restore.since)) {
      counts.transactions += 1;
      const found = await reconcileRow(deps, restore, id, row);
      if (found !== null) counts[found] += 1;
    }
  }
  return counts;
}

async function completeList(
  { access, budget }: RestoreDeps,
  credentialId: string,
  from: Date,
): Promise<readonly ProviderRow[]> {
  const credential = await access.open(credentialId);
  let before: string | null = null;
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const token = await access.token(credential, { leastLifeMs: 10_000 });
    await budget.spend(credential.gate);
    const nextPage = (): Promise<void> => budget.spend(credential.gate);
    const query = { account: credential.account, from, to: new Date(), nextPage };
    const rows = await access.retryingToken(credential, token, (value) =>
      access.provider(credential).listTransactions({ ...query, token: value }),
    );
    const shown = [...new Set(rows.map(({ providerReference }) => providerReference))].sort().join();
    if (shown === before) return rows;
    before = shown;
    await sleep(NEXT_PASS_MS);
  }
  throw new Error(`no two passes over the transactions of credential ${credentialId} agree: something still pays`);
}

async function reconcileRow(
  { pool, settings, access }: RestoreDeps,
  restore: Restore,
  credentialId: string,
  row: ProviderRow,
): Promise<'callsFound' | 'strangers' | null> {
  const { reference } = row;
  if (!reference?.startsWith(OUR_PREFIX)) return null;
  const { rowCount } = await pool.query('select 1 from submissions where id = $1', [reference]);
  if (rowCount === 1) return null;
  const key = parseReference(reference);
  const known =
    key !== null && (await pool.query('select 1 from payouts where id = $1', [key.payoutId])).rowCount === 1;
  const credential = await access.open(credentialId);
  const { provider: providerId, accountNumber } = credential;
  return await withTransaction(pool, async (trx) => {
    if (known) {
      const provider = access.provider(credential);
      const payout = await lockPayout(trx, key.payoutId);
      await recoverSubmission(
        trx,
        payout,
        { ...key, evidence: `provider:${row.providerReference}` },
        { settlementWindowMs: settings.settlementWindowMs ?? provider.settlementWindowMs, watchMs: settings.watchMs },
      );
      return 'callsFound';
    }
    const { providerReference, amount, currency, status } = row;
    const isNew = await insertStranger(trx, restore.id, {
      foundBy: 'provider',
      provider: providerId,
      ...{ accountNumber, reference, providerReference, amount, currency, status },
      payoutId: key?.payoutId ?? null,
    });
    return isNew ? 'strangers' : null;
  });
}
