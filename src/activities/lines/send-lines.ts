import { randomUUID } from 'node:crypto';

import type { IntentRefusal } from '../../db/intents';
import { callOf, writeLineIntents } from '../../db/line-intents';
import type { LineIntents, WrittenIntents } from '../../db/line-intents';
import { recordLineAnswers } from '../../db/record-line-answers';
import { listSubmissionsOf } from '../../db/submissions';
import type { Outcome } from '../../domain/outcome';
import type { Payout } from '../../domain/payout';
import type { Reason } from '../../domain/reasons';
import { ProviderError } from '../../providers/provider';
import type { Provider } from '../../providers/provider';
import { reasonForProviderError } from '../failures';
import type { OpenedCredential } from '../provider-access';
import { untilDatabaseAnswers } from '../until-database-answers';
import type { LineDeps } from './line-deps';

export interface LinesSent {
  /** The lines that were sent, as they stand after their answers. */
  lines: readonly Payout[];
  /** Lines whose turn comes with the next call. One that is in none of these lists is elsewhere by now. */
  unsent: readonly Payout[];
  /** Why nothing more may leave for now; null where the next may. */
  waits: Reason | null;
  /** Lines that wait for people or operations, each by itself. */
  stopped: readonly string[];
}

const NOTHING = { lines: [], unsent: [], stopped: [] } as const;

/** What a refused token or key asks the next calls to renew. */
interface Renewal {
  tokenVersion: number;
  staleKeyId: string | undefined;
}

/**
 * Sends lines of one bulk, of one credential: intents in one transaction, then the calls at once, then their answers in
 * one transaction. One caller at a time.
 */
export function createLineSender(deps: LineDeps, bulkId: string): (lines: readonly Payout[]) => Promise<LinesSent> {
  const { pool, access, budget, settings, logger } = deps;
  const renewal: Renewal = { tokenVersion: 0, staleKeyId: undefined };

  return async function sendLines(lines) {
    const [first] = lines;
    if (!first) return { ...NOTHING, waits: null };
    try {
      const credential = await access.open(first.credentialId);
      const provider = access.provider(first.provider);
      const token = await access.token(credential, {
        leastLifeMs: provider.submitTimeoutMs,
        afterVersion: renewal.tokenVersion,
      });
      const pin = await access.encryptedPin(credential, renewal.staleKeyId);
      const turns = await budget.spendSome(credential.gate, lines.length);
      const sendBy = new Date(Date.now() + settings.sendByMs);
      const intents = await write(lines.slice(0, turns), credential, provider);
      if ('refused' in intents) return { ...NOTHING, unsent: lines, waits: reasonOf(intents.refused) };
      const call = async (payout: Payout): Promise<Outcome> => {
        try {
          return await provider.submit(
            {
              reference: callOf(payout),
              amount: payout.amount,
              currency: payout.currency,
              recipient: payout.recipient.msisdn ?? '',
              account: credential.account,
              token: token.value,
              encryptedPin: pin.value,
            },
            () => Promise.resolve('go'),
            sendBy,
            'shared',
          );
        } catch (err) {
          // The port throws only before anything is connected.
          logger.error({ err, payoutId: payout.id }, 'a line cannot be sent');
          return { outcome: 'not_sent', reason: 'cannot_be_sent', code: null, text: null };
        }
      };
      const outcomes = await Promise.all(intents.sent.map(call));
      remember(outcomes, { tokenVersion: token.version, staleKeyId: pin.keyId });
      const after = await record(intents, outcomes, credential);
      const unsent = [...lines.slice(turns), ...intents.unsent];
      return { lines: after, unsent, waits: whyAllWait(outcomes), stopped: intents.stopped };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return { ...NOTHING, unsent: lines, waits: reasonForProviderError(error) };
    }
  };

  async function write(
    lines: readonly Payout[],
    credential: OpenedCredential,
    provider: Provider,
  ): Promise<WrittenIntents | { refused: IntentRefusal }> {
    const request: LineIntents = {
      bulkId,
      lines,
      batch: null,
      writer: randomUUID(),
      account: credential.gate,
      credentialId: credential.id,
      pinFingerprint: credential.pinFingerprint,
      sendByMs: settings.sendByMs,
      probeMs: settings.sendByMs + provider.submitTimeoutMs + settings.sendByMarginMs,
      settlementWindowMs: settings.settlementWindowMs ?? provider.settlementWindowMs,
    };
    try {
      return await writeLineIntents(pool, request);
    } catch (error) {
      await proveNotSent(request, credential);
      throw error;
    }
  }

  /** A commit that was not answered may have written intents of calls that were never made: they are proven not sent. */
  async function proveNotSent({ lines, writer }: LineIntents, credential: OpenedCredential): Promise<void> {
    const written = await untilDatabaseAnswers(logger, () =>
      listSubmissionsOf(
        pool,
        lines.map(({ id }) => id),
      ),
    );
    const unsent = lines.filter((line) =>
      written.get(line.id)?.some((call) => call.writer === writer && call.outcome === null),
    );
    const outcome: Outcome = { outcome: 'not_sent', reason: 'intent_unsure', code: null, text: null };
    await record(
      { sent: unsent, probe: true },
      unsent.map(() => outcome),
      credential,
    );
  }

  /** Answers are worth more than anything else here: they are written again and again for as long as it takes. */
  async function record(
    { sent, probe }: Pick<WrittenIntents, 'sent' | 'probe'>,
    outcomes: readonly Outcome[],
    credential: OpenedCredential,
  ): Promise<readonly Payout[]> {
    const answers = sent.flatMap((payout, index) => {
      const outcome = outcomes[index];
      return outcome === undefined ? [] : [{ payout, submissionId: callOf(payout), outcome }];
    });
    if (answers.length === 0) return [];
    const common = {
      bulkId,
      account: credential.gate,
      pinFingerprint: credential.pinFingerprint,
      probe,
      backOff: settings.backOff,
      watchMs: settings.watchMs,
    };
    const write = (some: typeof answers): Promise<ReadonlyMap<string, Payout>> =>
      untilDatabaseAnswers(logger, () => recordLineAnswers(pool, { ...common, answers: some }));
    try {
      return [...(await write(answers)).values()];
    } catch (err) {
      // One that PostgreSQL refuses must not keep the others' answers from being written.
      logger.error({ err, bulkId }, 'answers of lines were refused; each is written by itself');
      const after: Payout[] = [];
      for (const answer of answers) {
        await write([answer]).then(
          (payouts) => after.push(...payouts.values()),
          (error: unknown) => logger.error({ err: error, payoutId: answer.payout.id }, 'an answer was refused'),
        );
      }
      return after;
    }
  }

  function remember(outcomes: readonly Outcome[], used: Required<Renewal>): void {
    for (const outcome of outcomes) {
      if (outcome.outcome !== 'rejected') continue;
      if (outcome.remedy === 'renew_token') renewal.tokenVersion = used.tokenVersion;
      if (outcome.remedy === 'renew_key') renewal.staleKeyId = used.staleKeyId;
    }
  }
}

/** Refusals that the next line would meet as well. A stale token or key is renewed, and what was refused is sent again. */
function whyAllWait(outcomes: readonly Outcome[]): Reason | null {
  for (const outcome of outcomes) {
    if (outcome.outcome !== 'rejected' || outcome.remedy === 'renew_token' || outcome.remedy === 'renew_key') continue;
    if (outcome.kind === 'throttled') return 'throttled';
    if (outcome.kind === 'provider_float') return 'provider_float_low';
    if (outcome.kind === 'credential') return 'credential_refused';
  }
  return null;
}

/** A refused intent as the reason that a payout shows. */
function reasonOf(refusal: IntentRefusal): Reason {
  return refusal === 'superseded' ? 'bulk_waits' : refusal;
}
