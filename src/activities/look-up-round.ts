import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { applyOutcome } from '../db/apply-outcome';
import type { OutcomeNews } from '../db/apply-outcome';
import { insertLookUp } from '../db/look-ups';
import { findPayout, lockPayout } from '../db/payout-rows';
import { putInReview } from '../db/put-in-review';
import { listSubmissions } from '../db/submissions';
import { withTransaction } from '../db/transaction';
import { judgeRows } from '../domain/look-up';
import type { SentOrder, Verdict } from '../domain/look-up';
import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { isOpenCall } from '../domain/submission';
import type { Submission } from '../domain/submission';
import type { Provider } from '../providers/provider';
import type { PayoutSettings } from './payout-settings';
import type { OpenedCredential, ProviderAccess } from './provider-access';
import type { RequestBudget } from './request-budget';

export interface LookUpDeps {
  pool: Pool;
  access: ProviderAccess;
  budget: RequestBudget;
  settings: PayoutSettings;
}

/** Gap between the two complete passes that a negative verdict needs. */
export const SECOND_PASS_MS = 250;

/** Which submissions a round asks for: the open ones, or all that ever were calls (watch and retry). */
export type LookUpScope = 'open' | 'all';

/** How one submission is asked about. */
export interface SubmissionLookUp {
  /** Two complete passes where the first is negative. What it finds is written and merged; throws as a round does. */
  lookUp: (payout: Payout, submission: Submission) => Promise<Verdict>;
  /** Writes what a look-up showed, and merges it into its payout. */
  merge: (payout: Payout, submission: Submission, verdict: Verdict, rowsSeen: number) => Promise<void>;
}

/**
 * One round of look-ups over a payout's submissions (rule 12). What it finds is written and merged, each with the
 * look-up's id as its evidence; the verdicts are returned. Throws `ProviderError` where a pass could not be completed.
 */
export function createLookUpRound(
  deps: LookUpDeps,
): (payoutId: string, scope: LookUpScope) => Promise<readonly Verdict[]> {
  const { pool } = deps;
  const { lookUp } = createSubmissionLookUp(deps);

  return async function lookUpPayout(payoutId, scope) {
    const payout = await findPayout(pool, payoutId);
    if (!payout) throw new Error(`payout ${payoutId} does not exist`);
    const verdicts: Verdict[] = [];
    for (const submission of await listSubmissions(pool, payoutId)) {
      if (submission.kind === 'void' || (scope === 'open' && !isOpenCall(submission))) continue;
      verdicts.push(await lookUp(payout, submission));
    }
    return verdicts;
  };
}

export function createSubmissionLookUp({ pool, access, budget, settings }: LookUpDeps): SubmissionLookUp {
  return { lookUp: lookUpOne, merge };

  async function lookUpOne(payout: Payout, submission: Submission): Promise<Verdict> {
    const credential = await access.open(submission.credentialId);
    const provider = access.provider(credential);
    const first = await pass(provider, credential, payout, submission);
    let { verdict } = first;
    if (verdict.verdict === 'rejected' || verdict.verdict === 'absent') {
      await sleep(SECOND_PASS_MS);
      const second = await pass(provider, credential, payout, submission);
      // Only an agreement of two complete passes is negative; news of the second one counts by itself.
      if (second.verdict.verdict !== verdict.verdict)
        verdict = isNegative(second.verdict) ? { verdict: 'absent' } : second.verdict;
    }
    await merge(payout, submission, verdict, first.rowsSeen);
    return verdict;
  }

  async function pass(
    provider: Provider,
    credential: OpenedCredential,
    payout: Payout,
    submission: Submission,
  ): Promise<{ verdict: Verdict; rowsSeen: number }> {
    const token = await access.token(credential, { leastLifeMs: 10_000 });
    await budget.spend(credential.gate);
    const account = { ...credential.account, accountNumber: submission.accountNumber };
    const nextPage = (): Promise<void> => budget.spend(credential.gate);
    const query = { reference: submission.id, since: submission.createdAt, account, nextPage };
    const rows = await access.retryingToken(credential, token, (value) => provider.lookUp({ ...query, token: value }));
    return { verdict: judgeRows(rows, sentOrder(payout, submission, provider)), rowsSeen: rows.length };
  }

  async function merge(payout: Payout, submission: Submission, verdict: Verdict, rowsSeen: number): Promise<void> {
    const provider = access.provider({ provider: submission.provider, environment: payout.environment });
    await withTransaction(pool, async (trx) => {
      const locked = await lockPayout(trx, payout.id);
      const lookUpId = await insertLookUp(trx, {
        payoutId: payout.id,
        submissionId: submission.id,
        verdict: verdict.verdict,
        providerReference: 'row' in verdict ? verdict.row.providerReference : null,
        rowsSeen,
      });
      const outcome = outcomeOf(verdict, submission, provider, settings.sendByMarginMs);
      const merged = outcome
        ? await applyOutcome(trx, locked, newsOfLookUp(settings, submission.id, outcome, lookUpId))
        : locked;
      if (verdict.verdict === 'review') {
        await putInReview(trx, merged, {
          kind: verdict.item,
          detail: `${submission.id} at the provider: ${verdict.row.providerReference}`,
          reason: 'review_opened',
          submissionId: submission.id,
        });
      }
    });
  }
}

/** A submission as its provider spells it. */
export function sentOrder(payout: Payout, submission: Submission, provider: Provider): SentOrder {
  return {
    reference: submission.id,
    amount: submission.amount,
    currency: submission.currency,
    recipient: provider.spellRecipient(payout.recipient.msisdn ?? ''),
    partner: submission.accountNumber,
  };
}

/** What a look-up, written under its id, showed of a submission. */
export function newsOfLookUp(
  { backOff, watchMs }: Pick<PayoutSettings, 'backOff' | 'watchMs'>,
  submissionId: string,
  outcome: Outcome,
  lookUpId: string | null,
): OutcomeNews {
  return { submissionId, outcome, source: 'lookup', sourceId: lookUpId, backOffMs: backOff.firstMs, watchMs };
}

export function isNegative(verdict: Verdict): boolean {
  return verdict.verdict === 'rejected' || verdict.verdict === 'absent';
}

/** What a verdict makes of a submission; null where it proves nothing. */
export function outcomeOf(
  verdict: Verdict,
  submission: Submission,
  provider: Provider,
  marginMs: number,
): Outcome | null {
  // Until then a late activity of ours may still send its first byte, so that what is not there proves nothing.
  const overdue = Date.now() > submission.sendBy.getTime() + marginMs;
  switch (verdict.verdict) {
    case 'settled':
      return { outcome: 'settled', providerReference: verdict.row.providerReference, ...verdict.row.words };
    case 'in_flight':
      // An unmapped status is no promise that the provider is at work: it stays unknown.
      return verdict.row.status === 'in_flight'
        ? { outcome: 'accepted', providerReference: verdict.row.providerReference, ...verdict.row.words }
        : null;
    case 'rejected': {
      const { providerReference, words } = verdict.row;
      return { outcome: 'rejected', kind: 'final', remedy: null, providerReference, ...words };
    }
    case 'absent':
      return overdue && provider.dedupe.kind === 'lookup' && provider.dedupe.absenceIsEvidence !== false
        ? {
            outcome: 'rejected',
            kind: 'final',
            remedy: null,
            code: null,
            text: provider.dedupe.absenceIsEvidence.source,
          }
        : null;
    case 'review':
      return verdict.item === 'double_credit'
        ? { outcome: 'settled', providerReference: verdict.row.providerReference, ...verdict.row.words }
        : null;
    default:
      return verdict satisfies never;
  }
}
