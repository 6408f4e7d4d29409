import { mergeOutcomes } from '../../db/apply-outcomes';
import { insertLookUps } from '../../db/look-ups';
import { findAskedPayout } from '../../db/payout-reads';
import { findPayout } from '../../db/payout-rows';
import { alarmOfLines, orAskPeople } from '../../db/refusals';
import { sparingLines } from '../../db/sparing-lines';
import type { Payout } from '../../domain/payout';
import { ProviderError } from '../../providers/provider';
import type { StatusAnswer } from '../../providers/provider';
import { createLookUpRound, newsOfLookUp } from '../look-up-round';
import { createStatusRound } from '../poll';
import type { OpenedCredential } from '../provider-access';
import type { LineDeps } from './line-deps';

/** A line that the provider has taken. */
export interface TakenLine {
  payout: Payout;
  /** The one call of it that is open; null where there are more, or it has no reference of the provider's. */
  call: { submissionId: string; credentialId: string; providerReference: string } | null;
}

type Asked = TakenLine & { call: NonNullable<TakenLine['call']> };

/** What a look at lines at the provider gave. */
export interface LinesLook {
  /** Lines of which something was learnt, as they then stand. */
  learnt: readonly Payout[];
  /** Ids of the lines at which the look was completed. */
  looked: readonly string[];
}

/**
 * One round of status calls over lines that the provider has taken: those that are paid are written in one transaction, each
 * with its look-up as evidence; a refusal is confirmed by itself, as of a single payout.
 */
export function createLineAsker(deps: LineDeps, bulkId: string): (lines: readonly TakenLine[]) => Promise<LinesLook> {
  const { pool, access, budget, settings, logger } = deps;
  const askOne = createStatusRound(deps, createLookUpRound(deps));

  return async function askLines(lines) {
    const opened = openOnce();
    const answers = new Map<string, StatusAnswer>();
    const ask = async ({ payout, call }: Asked): Promise<void> => {
      const answer = await fetchStatus(call, opened);
      if (answer) answers.set(payout.id, answer);
    };
    await Promise.all(lines.filter(isPlain).map(ask));
    const paid = lines.filter(isPlain).filter(({ payout }) => answers.get(payout.id)?.status === 'success');
    const known = new Map((await settle(paid, answers)).map((payout) => [payout.id, payout]));
    const closer = lines.filter(({ payout, call }) => {
      const status = answers.get(payout.id)?.status;
      return call === null || status === 'failed' || status === 'unmapped';
    });
    const looked = new Set(answers.keys());
    for (const { payout } of closer) {
      const { isLooked, after } = await lookCloser(payout);
      if (isLooked) looked.add(payout.id);
      else looked.delete(payout.id);
      if (after.version !== payout.version) known.set(payout.id, after);
    }
    return { learnt: [...known.values()], looked: [...looked] };
  };

  /** One read and one opening of each credential, however many lines it carries. */
  function openOnce(): (credentialId: string) => Promise<OpenedCredential> {
    const opened = new Map<string, Promise<OpenedCredential>>();
    return (credentialId) => {
      const known = opened.get(credentialId) ?? access.open(credentialId);
      opened.set(credentialId, known);
      return known;
    };
  }

  /** Null where the provider cannot be asked now: it is asked again. */
  async function fetchStatus(
    call: Asked['call'],
    opened: (credentialId: string) => Promise<OpenedCredential>,
  ): Promise<StatusAnswer | null> {
    try {
      const credential = await opened(call.credentialId);
      const token = await access.token(credential, { leastLifeMs: 10_000 });
      await budget.spend(credential.gate);
      return await access.retryingToken(credential, token, (value) =>
        access.provider(credential).fetchStatus(credential.account, value, call.providerReference),
      );
    } catch (error) {
      if (error instanceof ProviderError) return null;
      throw error;
    }
  }

  async function settle(
    paid: readonly Asked[],
    answers: ReadonlyMap<string, StatusAnswer>,
  ): Promise<readonly Payout[]> {
    if (paid.length === 0) return [];
    return await sparingLines(pool, alarmOfLines(logger, bulkId), async (trx, spare) => {
      const lookUpIds = await insertLookUps(
        trx,
        paid.map(({ payout, call }) => ({
          payoutId: payout.id,
          submissionId: call.submissionId,
          verdict: 'settled',
          providerReference: call.providerReference,
          rowsSeen: 1,
        })),
      );
      const news = paid.map(({ payout, call: { submissionId, providerReference } }, index) => {
        const { code = null, text = null } = answers.get(payout.id) ?? {};
        const outcome = { outcome: 'settled', providerReference, code, text } as const;
        return { payoutId: payout.id, ...newsOfLookUp(settings, submissionId, outcome, lookUpIds[index] ?? null) };
      });
      return [...(await mergeOutcomes(trx, spare, bulkId, news)).values()];
    });
  }

  async function lookCloser(payout: Payout): Promise<{ isLooked: boolean; after: Payout }> {
    let isLooked = false;
    try {
      const asked = await findAskedPayout(pool, payout.id);
      if (asked) await orAskPeople(deps, payout.id, () => askOne(asked));
      isLooked = asked !== null;
    } catch (err) {
      if (!(err instanceof ProviderError)) throw err;
      logger.debug({ err, payoutId: payout.id }, 'a line could not be asked for; it is asked for again');
    }
    return { isLooked, after: (await findPayout(pool, payout.id)) ?? payout };
  }
}

function isPlain(line: TakenLine): line is Asked {
  return line.call !== null;
}
