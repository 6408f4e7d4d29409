import { createHash, randomBytes, randomUUID } from 'node:crypto';

import type { IntentRefusal } from '../../db/intents';
import { callOf, writeLineIntents } from '../../db/line-intents';
import type { LineIntents, WrittenIntents } from '../../db/line-intents';
import { recordLineAnswers } from '../../db/record-line-answers';
import { listSubmissionsOf } from '../../db/submissions';
import { newId } from '../../db/ids';
import { alarmOfLines } from '../../db/refusals';
import type { BatchOutcome } from '../../domain/batch';
import type { Outcome } from '../../domain/outcome';
import type { Payout } from '../../domain/payout';
import type { Reason } from '../../domain/reasons';
import { ProviderError } from '../../providers/provider';
import type { BulkOperations, Provider } from '../../providers/provider';
import { reasonForProviderError } from '../failures';
import type { OpenedCredential } from '../provider-access';
import { untilDatabaseAnswers } from '../until-database-answers';
import { callBatch, lineOutcomeOf } from './call-batch';
import { callLines } from './call-lines';
import type { LineDeps } from './line-deps';

export interface LinesSent {
  /** The lines that were sent, as they stand after their answers. */
  lines: readonly Payout[];
  /** Whether they left together in the provider's own bulk call. */
  inBatch: boolean;
  /** Lines whose turn comes with the next call. One that is in none of these lists is elsewhere by now. */
  unsent: readonly Payout[];
  /** Why nothing more may leave for now; null where the next may. */
  waits: Reason | null;
  /** Lines that wait for people or operations, each by itself. */
  stopped: readonly string[];
}

export interface LineSender {
  send: (lines: readonly Payout[]) => Promise<LinesSent>;
  /** How many of these lines leave at once: a micro-batch, or what the provider's own bulk call carries. */
  atOnce: (lines: readonly Payout[]) => number;
}

/** By which way lines leave. */
interface Way {
  provider: Provider;
  batch: { bulk: BulkOperations; base: string } | null;
  name: { id: string; token: string } | null;
}

const NOTHING = { lines: [], inBatch: false, unsent: [], stopped: [] } as const;

/**
 * Sends lines of one bulk, of one credential: intents in one transaction, then the calls, then their answers in one
 * transaction. Each line leaves by a call of its own, or all in the provider's own bulk call where that is asked for. One
 * caller at a time.
 */
export function createLineSender(deps: LineDeps, bulkId: string): LineSender {
  const { pool, access, budget, settings, bulks, logger } = deps;

  /** The provider's own bulk call, where it has one and we may be called back. */
  function batchOf(provider: Provider): { bulk: BulkOperations; base: string } | null {
    const { batchCallbackBase: base } = bulks;
    return provider.bulk === null || base === null ? null : { bulk: provider.bulk, base };
  }

  async function sendLines(lines: readonly Payout[]): Promise<LinesSent> {
    const [first] = lines;
    if (!first) return { ...NOTHING, waits: null };
    try {
      const credential = await access.open(first.credentialId);
      const provider = access.provider(credential);
      const batch = batchOf(provider);
      const token = await access.token(credential, {
        leastLifeMs: (batch?.bulk ?? provider).submitTimeoutMs,
      });
      const alone = await access.encryptedPin(credential);
      const pins = batch ? await access.encryptedPins(credential, lines.length) : null;
      const turns = await budget.spendSome(credential.gate, batch ? 1 : lines.length);
      const leaving = batch ? lines : lines.slice(0, turns);
      const name = batch ? { id: newId('bat'), token: randomBytes(24).toString('base64url') } : null;
      const sendBy = new Date(Date.now() + settings.sendByMs);
      const intents = await write(leaving, credential, { provider, batch, name });
      if ('refused' in intents) return { ...NOTHING, unsent: lines, waits: reasonOf(intents.refused) };
      const calls = { provider, account: credential.account, token: token.value, sendBy, logger };
      const isBatch = batch && pins && name && !intents.probe && intents.sent.length > 0;
      const whole = isBatch
        ? await callBatch(intents.sent, pins.values, {
            ...calls,
            bulk: batch.bulk,
            callbackUrl: `${batch.base}/callbacks/${provider.id}/${name.token}`,
          })
        : null;
      const outcomes = whole
        ? intents.sent.map(() => lineOutcomeOf(whole))
        : await callLines(intents.sent, alone.value, calls);
      const told = whole && name ? { id: name.id, outcome: whole } : null;
      const after = await record(intents, outcomes, credential, told);
      await renew(outcomes, credential, { tokenVersion: token.version, keyId: alone.keyId });
      const unsent = [...lines.slice(leaving.length), ...intents.unsent];
      return { lines: after, inBatch: whole !== null, unsent, waits: whyAllWait(outcomes), stopped: intents.stopped };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return { ...NOTHING, unsent: lines, waits: reasonForProviderError(error) };
    }
  }

  return {
    send: sendLines,
    atOnce: (lines) => {
      const [first] = lines;
      const batch = first ? batchOf(access.provider(first)) : null;
      return batch?.bulk.maxLines ?? bulks.microBatch;
    },
  };

  async function write(
    lines: readonly Payout[],
    credential: OpenedCredential,
    { provider, batch, name }: Way,
  ): Promise<WrittenIntents | { refused: IntentRefusal }> {
    const request: LineIntents = {
      bulkId,
      lines,
      batch: name ? { id: name.id, tokenHash: createHash('sha256').update(name.token).digest() } : null,
      writer: randomUUID(),
      account: credential.gate,
      credentialId: credential.id,
      pinFingerprint: credential.pinFingerprint,
      sendByMs: settings.sendByMs,
      probeMs: settings.sendByMs + (batch?.bulk ?? provider).submitTimeoutMs + settings.sendByMarginMs,
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
      null,
    );
  }

  /** Answers are worth more than anything else here: they are written again and again for as long as it takes. */
  async function record(
    { sent, probe }: Pick<WrittenIntents, 'sent' | 'probe'>,
    outcomes: readonly Outcome[],
    credential: OpenedCredential,
    batch: { id: string; outcome: BatchOutcome } | null,
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
      onRefused: alarmOfLines(logger, bulkId),
    };
    const write = (some: typeof answers): Promise<ReadonlyMap<string, Payout>> =>
      untilDatabaseAnswers(logger, () => recordLineAnswers(pool, { ...common, answers: some, batch }));
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

  /** What was refused for a stale token or key goes out again with a new one, whoever sends it. */
  async function renew(
    outcomes: readonly Outcome[],
    credential: OpenedCredential,
    used: { tokenVersion: number; keyId: string },
  ): Promise<void> {
    const remedies = new Set(outcomes.map((outcome) => (outcome.outcome === 'rejected' ? outcome.remedy : null)));
    if (remedies.has('renew_token')) {
      await access.token(credential, { leastLifeMs: 0, afterVersion: used.tokenVersion });
    }
    if (remedies.has('renew_key')) await access.encryptedPin(credential, used.keyId);
  }
}

/** Refusals that the next line would meet as well. A stale token or key was renewed by then. */
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
