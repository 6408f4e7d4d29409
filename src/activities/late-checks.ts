import { cancelled } from '@temporalio/activity';
import type { Logger } from 'pino';

import { readLateRound, recordLateChecks } from '../db/late-checks';
import type { LateCheck } from '../db/late-checks';
import { orAskPeople } from '../db/refusals';
import { judgeRows, rowsByReference } from '../domain/look-up';
import type { ProviderRow, Verdict } from '../domain/look-up';
import { isProvenUnpaid } from '../domain/outcome';
import type { Submission } from '../domain/submission';
import { ProviderError } from '../providers/provider';
import type { Provider } from '../providers/provider';
import { whileBeating } from './beating';
import { createSubmissionLookUp, isNegative, outcomeOf, sentOrder } from './look-up-round';
import type { LookUpDeps } from './look-up-round';
import type { OpenedCredential } from './provider-access';
import type { RequestBudget } from './request-budget';

export interface LateCheckActivities {
  /** One round over the submissions of an account that are due: what is paid late or paid twice becomes a review item. */
  checkLateSettlements(credentialId: string): Promise<void>;
}

/** Calls that are older are searched for by their references: a search by time would read the account's whole history. */
const LONGEST_SPAN_MS = 24 * 3_600_000;

/** By reference in one round; the others wait for the next one, behind what is reported to us meanwhile. */
const MOST_BY_REFERENCE = 50;

/** Ends a round that no request of the provider can go on with; one of another kind is about one search alone. */
const ENDS_THE_ROUND: readonly string[] = ['unreachable', 'unavailable', 'throttled', 'token'];

/**
 * Searches once more for submissions that are refused, returned or paid: for all of an account by one search over the time since
 * the earliest was sent, for old ones each by its reference. Takes its requests from the share of late checks. A search
 * that failed on a later page keeps the successes that it showed and counts as no check: the submissions stay due.
 */
export function createLateCheckActivities(deps: LookUpDeps & { logger: Logger }): LateCheckActivities {
  const { pool, access, settings, logger } = deps;
  const budget = untilCancelled(deps.budget.late);
  const { lookUp, merge } = createSubmissionLookUp({ ...deps, budget });

  return {
    checkLateSettlements: (credentialId) => whileBeating(() => round(credentialId)),
  };

  async function round(credentialId: string): Promise<void> {
    const { startedAt, checks } = await readLateRound(pool, credentialId);
    const record = (seen: readonly LateCheck[]): Promise<void> =>
      recordLateChecks(pool, {
        submissionIds: seen.map(({ submission }) => submission.id),
        startedAt,
        windowMs: settings.watchMs,
      });
    const byAccount = new Map<string, LateCheck[]>();
    for (const check of checks) {
      // Nobody can ask for the account's calls any more: they become overdue, and people end them.
      if (check.credentialId === null) continue;
      byAccount.set(check.credentialId, [...(byAccount.get(check.credentialId) ?? []), check]);
    }
    for (const [askedWith, due] of byAccount) {
      const credential = await access.open(askedWith);
      try {
        await checkAccount(credential, due, record);
      } catch (err) {
        if (!(err instanceof ProviderError)) throw err;
        logger.info(
          { credentialId: askedWith, kind: err.kind, code: err.code },
          'late checks were cut off; they stay due',
        );
      }
    }
  }

  async function checkAccount(
    credential: OpenedCredential,
    due: readonly LateCheck[],
    record: (seen: readonly LateCheck[]) => Promise<void>,
  ): Promise<void> {
    const { clockMarginMs } = access.provider(credential);
    const earliest = Date.now() - LONGEST_SPAN_MS + clockMarginMs;
    const recent = due.filter(({ submission }) => submission.createdAt.getTime() >= earliest);
    // One alone is found sooner by its reference.
    const together = recent.length > 1 ? recent : [];
    const alone = due.filter((check) => !together.includes(check));
    for (const check of alone.slice(0, MOST_BY_REFERENCE)) await record(await checkOne(credential, check));
    if (together.length > 0) await record(await checkTogether(credential, together));
  }

  /** Searches for one by its reference. Returns it where the search was complete. */
  async function checkOne(credential: OpenedCredential, check: LateCheck): Promise<readonly LateCheck[]> {
    const { payout, submission } = check;
    const provider = access.provider(credential);
    const account = { ...credential.account, accountNumber: submission.accountNumber };
    const nextPage = (): Promise<void> => budget.spend(credential.gate);
    const query = { reference: submission.id, since: submission.createdAt, account, nextPage };
    try {
      await budget.spend(credential.gate);
      const token = await access.token(credential, { leastLifeMs: 10_000 });
      const rows = await access.retryingToken(credential, token, (value) =>
        provider.lookUp({ ...query, token: value }),
      );
      return await hear(provider, [check], rows);
    } catch (err) {
      if (!(err instanceof ProviderError) || ENDS_THE_ROUND.includes(err.kind)) throw err;
      const { kind, code } = err;
      logger.info(
        { payoutId: payout.id, submissionId: submission.id, kind, code },
        'a late check failed; it stays due',
      );
      return [];
    }
  }

  /** Searches for all of them by time. Returns those of which everything was heard. */
  async function checkTogether(
    credential: OpenedCredential,
    checks: readonly LateCheck[],
  ): Promise<readonly LateCheck[]> {
    const provider = access.provider(credential);
    const since = Math.min(...checks.map(({ submission }) => submission.createdAt.getTime()));
    const query = {
      account: credential.account,
      from: new Date(since - provider.clockMarginMs),
      to: new Date(Date.now() + provider.clockMarginMs),
      nextPage: () => budget.spend(credential.gate),
      // At its share a long search outlives its token.
      renewToken: async () => (await access.token(credential, { leastLifeMs: 10_000 })).value,
    };
    const seen: ProviderRow[] = [];
    const onPage = (rows: readonly ProviderRow[]): void => void seen.push(...rows);
    try {
      await budget.spend(credential.gate);
      const token = await access.token(credential, { leastLifeMs: 10_000 });
      await access.retryingToken(credential, token, (value) =>
        provider.listTransactions({ ...query, token: value, onPage }),
      );
    } catch (err) {
      const successes = seen.filter(({ status }) => status === 'success');
      await hear(provider, checks, successes);
      throw err;
    }
    return await hear(provider, checks, seen);
  }

  /** Merges what rows say of submissions, where that is new. Returns those of which it was heard. */
  async function hear(
    provider: Provider,
    checks: readonly LateCheck[],
    rows: readonly ProviderRow[],
  ): Promise<readonly LateCheck[]> {
    const found = rowsByReference(rows);
    const heard: LateCheck[] = [];
    for (const check of checks) {
      const { payout, submission } = check;
      const own = found.get(submission.id) ?? [];
      const verdict = judgeRows(own, sentOrder(payout, submission, provider));
      try {
        if (isNews(provider, verdict, submission)) {
          await orAskPeople(deps, payout.id, async () => {
            // What is negative is confirmed by two passes of its own.
            if (isNegative(verdict)) await lookUp(payout, submission);
            else await merge(payout, submission, verdict, own.length);
          });
        }
        heard.push(check);
      } catch (err) {
        if (err instanceof ProviderError && ENDS_THE_ROUND.includes(err.kind)) throw err;
        logger.warn(
          { err, payoutId: payout.id },
          'what a late check found could not be merged; it is searched for again',
        );
      }
    }
    return heard;
  }

  function isNews(provider: Provider, verdict: Verdict, submission: Submission): boolean {
    if (verdict.verdict === 'review') return true;
    const outcome = outcomeOf(verdict, submission, provider, settings.sendByMarginMs);
    switch (outcome?.outcome) {
      case 'settled':
        return submission.outcome !== 'settled' || submission.providerReference !== outcome.providerReference;
      case 'rejected':
        return !isProvenUnpaid(submission.outcome);
      case 'accepted':
        return submission.outcome !== 'settled' && submission.outcome !== 'accepted';
      default:
        return false;
    }
  }
}

/** A stopping worker does not wait for a turn: the round is begun again elsewhere. */
function untilCancelled(budget: RequestBudget): RequestBudget {
  return { ...budget, spend: (account) => Promise.race([budget.spend(account), cancelled()]) };
}
