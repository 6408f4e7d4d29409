import { setTimeout as sleep } from 'node:timers/promises';

import { applyOutcomes } from '../../db/apply-outcomes';
import type { LineNews } from '../../db/apply-outcomes';
import { insertLookUps } from '../../db/look-ups';
import { lockPayout } from '../../db/payout-rows';
import { putInReview } from '../../db/put-in-review';
import { withTransaction } from '../../db/transaction';
import { judgeRows } from '../../domain/look-up';
import type { ProviderRow, Verdict } from '../../domain/look-up';
import type { Payout } from '../../domain/payout';
import type { Submission } from '../../domain/submission';
import { ProviderError } from '../../providers/provider';
import type { Provider } from '../../providers/provider';
import { isNegative, outcomeOf, SECOND_PASS_MS } from '../look-up-round';
import type { OpenedCredential } from '../provider-access';
import type { LineDeps } from './line-deps';

/** A line and the call of it whose outcome is looked for. */
export interface SoughtLine {
  payout: Payout;
  submission: Submission;
}

/** How far before the first call a search by time begins: the provider's clock may be behind ours. */
const BACK_MARGIN_MS = 120_000;

/** Lines whose news are merged in one transaction. */
const AT_ONCE = 250;

/**
 * Looks for many lines of one credential by one search over all their calls, not by one look-up each (rule 12): a complete
 * pass over every page, and a second one where the first is negative for any. A line that the search does not show stays
 * as it is. Returns the lines of which something was learnt; none where the provider cannot be asked now.
 */
export function createLineSearch(
  deps: LineDeps,
  bulkId: string,
): (lines: readonly SoughtLine[]) => Promise<readonly Payout[]> {
  const { pool, access, budget, settings, logger } = deps;

  return async function searchLines(lines) {
    const [first] = lines;
    if (!first) return [];
    try {
      const credential = await access.open(first.submission.credentialId);
      const provider = access.provider(first.submission.provider);
      const since = new Date(
        Math.min(...lines.map(({ submission }) => submission.createdAt.getTime())) - BACK_MARGIN_MS,
      );
      const verdicts = await agree(lines, provider, () => pass(provider, credential, since));
      return await merge(lines, verdicts, provider);
    } catch (err) {
      if (!(err instanceof ProviderError)) throw err;
      logger.info(
        { bulkId, kind: err.kind, code: err.code },
        'lines could not be looked for; they are looked for again',
      );
      return [];
    }
  };

  async function pass(provider: Provider, credential: OpenedCredential, since: Date): Promise<readonly ProviderRow[]> {
    const token = await access.token(credential, { leastLifeMs: 10_000 });
    await budget.spend(credential.gate);
    const to = new Date(Date.now() + BACK_MARGIN_MS);
    return await access.retryingToken(credential, token, (value) =>
      provider.listTransactions({ account: credential.account, token: value, from: since, to }),
    );
  }

  async function merge(
    lines: readonly SoughtLine[],
    verdicts: readonly JudgedLine[],
    provider: Provider,
  ): Promise<readonly Payout[]> {
    const told = verdicts.flatMap(({ verdict, rowsSeen }, index) => {
      const line = lines[index];
      return line && !saysNothing(verdict, provider) ? [{ ...line, verdict, rowsSeen }] : [];
    });
    const after: Payout[] = [];
    for (let from = 0; from < told.length; from += AT_ONCE) {
      const some = told.slice(from, from + AT_ONCE);
      await withTransaction(pool, async (trx) => {
        const ids = await insertLookUps(
          trx,
          some.map(({ payout, submission, verdict, rowsSeen }) => ({
            payoutId: payout.id,
            submissionId: submission.id,
            verdict: verdict.verdict,
            providerReference: 'row' in verdict ? verdict.row.providerReference : null,
            rowsSeen,
          })),
        );
        const news = some.flatMap(({ payout, submission, verdict }, index): LineNews[] => {
          const outcome = outcomeOf(verdict, submission, provider, settings.sendByMarginMs);
          if (outcome === null) return [];
          const common = { backOffMs: settings.backOff.firstMs, watchMs: settings.watchMs };
          const evidence = { source: 'lookup' as const, sourceId: ids[index] ?? null };
          return [{ payoutId: payout.id, submissionId: submission.id, outcome, ...evidence, ...common }];
        });
        const merged = new Map(await applyOutcomes(trx, bulkId, news));
        for (const { payout, submission, verdict } of some) {
          if (verdict.verdict !== 'review') continue;
          const locked = merged.get(payout.id) ?? (await lockPayout(trx, payout.id));
          const reviewed = await putInReview(trx, locked, {
            kind: verdict.item,
            detail: `${submission.id} at the provider: ${verdict.row.providerReference}`,
            reason: 'review_opened',
            submissionId: submission.id,
          });
          merged.set(payout.id, reviewed);
        }
        after.push(...merged.values());
      });
    }
    return after;
  }
}

interface JudgedLine {
  verdict: Verdict;
  rowsSeen: number;
}

/** Only an agreement of two complete passes is negative; news of the second one counts by itself. */
async function agree(
  lines: readonly SoughtLine[],
  provider: Provider,
  pass: () => Promise<readonly ProviderRow[]>,
): Promise<readonly JudgedLine[]> {
  const first = judge(lines, provider, await pass());
  if (!first.some(({ verdict }) => isNegative(verdict) && !saysNothing(verdict, provider))) return first;
  await sleep(SECOND_PASS_MS);
  const second = judge(lines, provider, await pass());
  return first.map((one, index) => {
    const other = second[index] ?? one;
    if (!isNegative(one.verdict) || other.verdict.verdict === one.verdict.verdict) return one;
    return isNegative(other.verdict) ? { ...other, verdict: { verdict: 'absent' } } : other;
  });
}

/** Absence, where the provider does not declare it to be evidence. */
function saysNothing(verdict: Verdict, { dedupe }: Provider): boolean {
  return verdict.verdict === 'absent' && !(dedupe.kind === 'lookup' && dedupe.absenceIsEvidence !== false);
}

function judge(lines: readonly SoughtLine[], provider: Provider, rows: readonly ProviderRow[]): readonly JudgedLine[] {
  const byReference = new Map<string, ProviderRow[]>();
  for (const row of rows) {
    if (row.reference === null) continue;
    const known = byReference.get(row.reference);
    if (known) known.push(row);
    else byReference.set(row.reference, [row]);
  }
  return lines.map(({ payout, submission }) => {
    const own = byReference.get(submission.id) ?? [];
    const sent = {
      reference: submission.id,
      amount: submission.amount,
      currency: submission.currency,
      recipient: provider.spellRecipient(payout.recipient.msisdn ?? ''),
      partner: submission.accountNumber,
    };
    return { verdict: judgeRows(own, sent), rowsSeen: own.length };
  });
}
