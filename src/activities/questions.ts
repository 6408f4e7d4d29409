import type { Logger } from 'pino';

import { findPayout } from '../db/payout-rows';
import { orAskPeople } from '../db/refusals';
import { insertRetryCheck } from '../db/retry-checks';
import type { RetryVerdict } from '../db/retry-checks';
import type { Verdict } from '../domain/look-up';
import { createLookUpRound } from './look-up-round';
import type { LookUpDeps } from './look-up-round';

export interface QuestionActivities {
  /** For runs of `payoutWatchWorkflow` that an older version started; late checks ask in their place. */
  watchPayout(payoutId: string): Promise<void>;
  /**
   * May a failed payout be sent again? What it finds is written into PostgreSQL, where whoever asked reads it: its result is only
   * for people who look at the run.
   */
  checkRetry(payoutId: string): Promise<RetryVerdict>;
  fetchProviderBalance(credentialId: string): Promise<{ amount: string; currency: string; at: string }>;
}

export function createQuestionActivities(deps: LookUpDeps & { logger: Logger }): QuestionActivities {
  const { pool, access, budget } = deps;
  const lookUpRound = createLookUpRound(deps);

  /** Null where PostgreSQL refused what was found: people are asked. */
  function lookUpAll(payoutId: string): Promise<readonly Verdict[] | null> {
    return orAskPeople(deps, payoutId, () => lookUpRound(payoutId, 'all'));
  }

  return {
    async watchPayout(payoutId) {
      await lookUpAll(payoutId);
    },

    async checkRetry(payoutId) {
      const payout = await findPayout(pool, payoutId);
      if (!payout) throw new Error(`payout ${payoutId} does not exist`);
      const verdict = verdictOf(await lookUpAll(payoutId));
      await insertRetryCheck(pool, payout, verdict);
      return verdict;
    },

    async fetchProviderBalance(credentialId) {
      const credential = await access.open(credentialId);
      const token = await access.token(credential, { leastLifeMs: 10_000 });
      await budget.spend(credential.gate);
      const profile = await access.retryingToken(credential, token, (value) =>
        access.provider(credential).account.fetchProfile(credential.account, value),
      );
      return { amount: profile.balance.toString(), currency: profile.currency, at: new Date().toISOString() };
    },
  };
}

function verdictOf(looked: readonly Verdict[] | null): RetryVerdict {
  if (looked === null) return 'unsure';
  const verdicts = looked.map(({ verdict }) => verdict);
  if (verdicts.includes('settled')) return 'paid';
  return verdicts.some((verdict) => verdict === 'in_flight' || verdict === 'review') ? 'unsure' : 'clear';
}
