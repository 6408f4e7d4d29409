import { setTimeout as sleep } from 'node:timers/promises';

import { confirmBatchReference, listBatches } from '../../db/bulk-batches';
import type { BulkBatch } from '../../db/bulk-batches';
import { mergeOutcomes } from '../../db/apply-outcomes';
import type { LineNews } from '../../db/apply-outcomes';
import { insertLookUps } from '../../db/look-ups';
import { lockPayout } from '../../db/payout-rows';
import { putInReview } from '../../db/put-in-review';
import { alarmOfLines } from '../../db/refusals';
import { listSubmissionsOf } from '../../db/submissions';
import { sparingLines } from '../../db/sparing-lines';
import { judgeRows, rowsByReference } from '../../domain/look-up';
import type { ProviderRow, Verdict } from '../../domain/look-up';
import type { Payout } from '../../domain/payout';
import { isOpenCall } from '../../domain/submission';
import type { Submission } from '../../domain/submission';
import { ProviderError } from '../../providers/provider';
import type { Provider } from '../../providers/provider';
import { isNegative, newsOfLookUp, outcomeOf, SECOND_PASS_MS, sentOrder } from '../look-up-round';
import type { OpenedCredential } from '../provider-access';
import type { LinesLook } from './ask-lines';
import type { LineDeps } from './line-deps';

export interface LineSearch {
  /** Looks for lines whose end is not known; none is learnt where nobody can be asked. */
  find(lines: readonly Payout[]): Promise<LinesLook>;
  /**
   * Lines of batches of which the provider itself said, in its answer to our own call, that it refuses them, and of which two
   * complete searches by the batch and by time show nothing: proven not paid (rule 12). For when their window is over.
   */
  proveRefused(lines: readonly Payout[]): Promise<LinesLook>;
  /**
   * Looks once more for calls of one credential whose lines are final, for those who act on what is not shown: that is held by
   * two passes. A verdict for each, in their order. Throws `ProviderError` where a pass could not be completed.
   */
  lookAgain(lines: readonly SoughtLine[]): Promise<readonly Verdict[]>;
}

/** A line and the call of it whose outcome is looked for. */
export interface SoughtLine {
  payout: Payout;
  submission: Submission;
}

/** Lines that one search looks for: of one batch, or of one credential. */
interface Sought {
  lines: readonly SoughtLine[];
  batch: BulkBatch | null;
  provider: Provider;
  credential: OpenedCredential;
}

/** Lines whose news are merged in one transaction. */
const AT_ONCE = 250;

/**
 * Looks for many lines by one search over all their calls, not by one look-up each (rule 12): a complete pass over every
 * page, and a second one where the first is negative for any. By the batch in which they left, where its name is known, else
 * over the time since the first call. A line that the search does not show stays as it is.
 */
export function createLineSearch(deps: LineDeps, bulkId: string): LineSearch {
  const { pool, access, budget, settings, logger } = deps;
  const onRefused = alarmOfLines(logger, bulkId);

  return {
    find: (lines) =>
      eachSought(lines, async (sought) => {
        const { provider } = sought;
        const isHeldByOne = (verdict: Verdict): boolean => !isNegative(verdict) || saysNothing(verdict, provider);
        const verdicts = await agree(sought, isHeldByOne, () => pass(sought));
        return await merge(sought.lines, verdicts, provider);
      }),

    async lookAgain(lines) {
      const sought = await soughtOf(lines, null);
      if (sought === null) return [];
      const verdicts = await agree(
        sought,
        (verdict) => !isNegative(verdict),
        () => byTime(sought),
      );
      await merge(lines, verdicts, sought.provider);
      return verdicts.map(({ verdict }) => verdict);
    },

    proveRefused: (lines) =>
      eachSought(lines, async (sought) => {
        const { batch } = sought;
        if (batch?.outcome !== 'refused_whole') return [];
        const look = async (): Promise<readonly ProviderRow[]> => [
          ...(await byTime(sought)),
          ...(batch.batchReference === null ? [] : await byName(sought, batch.batchReference)),
        ];
        const passes = [await look()];
        await sleep(SECOND_PASS_MS);
        passes.push(await look());
        const shown = new Set(passes.flat().map(({ reference }) => reference));
        return await refuse(sought.lines.filter(({ submission }) => !shown.has(submission.id)));
      }),
  };

  /** A provider that cannot be asked now is asked again later. */
  async function eachSought(
    lines: readonly Payout[],
    work: (sought: Sought) => Promise<readonly Payout[]>,
  ): Promise<LinesLook> {
    const learnt: Payout[] = [];
    const looked = new Set<string>();
    const missed = new Set<string>();
    for (const sought of await together(lines)) {
      const ids = sought.lines.map(({ payout }) => payout.id);
      try {
        learnt.push(...(await work(sought)));
        for (const id of ids) looked.add(id);
      } catch (err) {
        if (!(err instanceof ProviderError)) throw err;
        logger.info(
          { bulkId, kind: err.kind, code: err.code },
          'lines could not be looked for; they are looked for again',
        );
        for (const id of ids) missed.add(id);
      }
    }
    return { learnt, looked: [...looked].filter((id) => !missed.has(id)) };
  }

  async function together(payouts: readonly Payout[]): Promise<readonly Sought[]> {
    const submissions = await listSubmissionsOf(
      pool,
      payouts.map(({ id }) => id),
    );
    const groups = new Map<string, SoughtLine[]>();
    for (const payout of payouts) {
      for (const submission of (submissions.get(payout.id) ?? []).filter(isOpenCall)) {
        const name = submission.batchId ?? submission.credentialId;
        const group = groups.get(name);
        if (group) group.push({ payout, submission });
        else groups.set(name, [{ payout, submission }]);
      }
    }
    const batches = new Map((await listBatches(pool, [...groups.keys()])).map((batch) => [batch.id, batch]));
    const sought: Sought[] = [];
    for (const [name, lines] of groups) {
      const group = await soughtOf(lines, batches.get(name) ?? null);
      if (group !== null) sought.push(group);
    }
    return sought;
  }

  async function soughtOf(lines: readonly SoughtLine[], batch: BulkBatch | null): Promise<Sought | null> {
    const [first] = lines;
    if (!first) return null;
    const credential = await access.open(first.submission.credentialId);
    return { lines, batch, provider: access.provider(credential), credential };
  }

  async function pass(sought: Sought): Promise<readonly ProviderRow[]> {
    const { batch } = sought;
    if (batch?.batchReference) return await byName(sought, batch.batchReference);
    if (!batch?.hintedReference) return await byTime(sought);
    // What its callback named may be another batch's, or none: only rows of ours show that it is this one.
    const hinted = await byName(sought, batch.hintedReference).catch(nothingIfRefused);
    const own = new Set(sought.lines.map(({ submission }) => submission.id));
    if (!hinted.some(({ reference }) => reference !== null && own.has(reference))) return await byTime(sought);
    await confirmBatchReference(pool, batch.id, batch.hintedReference);
    return hinted;
  }

  async function byName({ provider, credential }: Sought, batchReference: string): Promise<readonly ProviderRow[]> {
    const { bulk } = provider;
    if (bulk === null) throw new Error(`${provider.id} has no bulk call`);
    const nextPage = (): Promise<void> => budget.spend(credential.gate);
    return await search(credential, (token) =>
      bulk.listLines({ account: credential.account, token, batchReference, nextPage }),
    );
  }

  async function byTime({ lines, provider, credential }: Sought): Promise<readonly ProviderRow[]> {
    const first = lines.reduce((least, { submission }) => Math.min(least, submission.createdAt.getTime()), Infinity);
    const { clockMarginMs } = provider;
    const times = { from: new Date(first - clockMarginMs), to: new Date(Date.now() + clockMarginMs) };
    const nextPage = (): Promise<void> => budget.spend(credential.gate);
    return await search(credential, (token) =>
      provider.listTransactions({ account: credential.account, token, ...times, nextPage }),
    );
  }

  async function search(
    credential: OpenedCredential,
    call: (token: string) => Promise<readonly ProviderRow[]>,
  ): Promise<readonly ProviderRow[]> {
    const token = await access.token(credential, { leastLifeMs: 10_000 });
    await budget.spend(credential.gate);
    return await access.retryingToken(credential, token, call);
  }

  async function refuse(lines: readonly SoughtLine[]): Promise<readonly Payout[]> {
    if (lines.length === 0) return [];
    return await sparingLines(pool, onRefused, async (trx, spare) => {
      const ids = await insertLookUps(
        trx,
        lines.map(({ payout, submission }) => ({
          payoutId: payout.id,
          submissionId: submission.id,
          verdict: 'absent',
          providerReference: null,
          rowsSeen: 0,
        })),
      );
      const outcome = { outcome: 'rejected', kind: 'final', remedy: null, code: null, text: 'batch refused' } as const;
      const news = lines.map(({ payout, submission }, index): LineNews => ({
        payoutId: payout.id,
        ...newsOfLookUp(settings, submission.id, outcome, ids[index] ?? null),
      }));
      return [...(await mergeOutcomes(trx, spare, bulkId, news)).values()];
    });
  }

  async function merge(
    lines: readonly SoughtLine[],
    verdicts: readonly JudgedLine[],
    provider: Provider,
  ): Promise<readonly Payout[]> {
    const told = verdicts.flatMap(({ verdict, rowsSeen }, index) => {
      const line = lines[index];
      return line && !saysNothing(verdict, provider) && isNews(verdict, line.submission)
        ? [{ ...line, verdict, rowsSeen }]
        : [];
    });
    const after: Payout[] = [];
    for (let from = 0; from < told.length; from += AT_ONCE) {
      const some = told.slice(from, from + AT_ONCE);
      await sparingLines(pool, onRefused, async (trx, spare) => {
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
          const told = newsOfLookUp(settings, submission.id, outcome, ids[index] ?? null);
          return [{ payoutId: payout.id, ...told }];
        });
        const merged = new Map(await mergeOutcomes(trx, spare, bulkId, news));
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
  { lines, provider }: Sought,
  isHeldByOne: (verdict: Verdict) => boolean,
  pass: () => Promise<readonly ProviderRow[]>,
): Promise<readonly JudgedLine[]> {
  const first = judge(lines, provider, await pass());
  if (first.every(({ verdict }) => isHeldByOne(verdict))) return first;
  await sleep(SECOND_PASS_MS);
  const second = judge(lines, provider, await pass());
  return first.map((one, index) => {
    const other = second[index] ?? one;
    if (!isNegative(one.verdict) || other.verdict.verdict === one.verdict.verdict) return one;
    return isNegative(other.verdict) ? { ...other, verdict: { verdict: 'absent' } } : other;
  });
}

/** What the provider has taken and is still at work on was known before. */
function isNews({ verdict }: Verdict, { outcome }: Submission): boolean {
  return verdict !== 'in_flight' || outcome !== 'accepted';
}

/** Absence, where the provider does not declare it to be evidence. */
function saysNothing(verdict: Verdict, { dedupe }: Provider): boolean {
  return verdict.verdict === 'absent' && !(dedupe.kind === 'lookup' && dedupe.absenceIsEvidence !== false);
}

function judge(lines: readonly SoughtLine[], provider: Provider, rows: readonly ProviderRow[]): readonly JudgedLine[] {
  const byReference = rowsByReference(rows);
  return lines.map(({ payout, submission }) => {
    const own = byReference.get(submission.id) ?? [];
    return { verdict: judgeRows(own, sentOrder(payout, submission, provider)), rowsSeen: own.length };
  });
}

/** A name that the provider refuses is no batch's. */
function nothingIfRefused(error: unknown): readonly ProviderRow[] {
  if (error instanceof ProviderError && error.kind === 'refused') return [];
  throw error;
}
