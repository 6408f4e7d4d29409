import { randomUUID } from 'node:crypto';

import type { Logger } from 'pino';
import type { Pool } from 'pg';

import type { KeyedCredential } from '../db/credentials';
import { backOffMs, deferPayout } from '../db/defer-payout';
import { writeCurableRefusal, writeIntent, writeSecondIntent } from '../db/intents';
import type { IntentAnswer, IntentRefusal, IntentRequest } from '../db/intents';
import { findPayoutToSend } from '../db/payout-reads';
import { positionInRow, readPosition, recoverAttempt } from '../db/positions';
import type { StandingRow } from '../db/positions';
import { recordAnswer } from '../db/record-answer';
import type { Answer } from '../db/record-answer';
import { findSubmission } from '../db/submissions';
import type { Outcome } from '../domain/outcome';
import { isToBeSent } from '../domain/payout';
import type { Payout } from '../domain/payout';
import type { Position } from '../domain/position';
import type { Reason } from '../domain/reasons';
import { submissionReference } from '../domain/reference';
import { ProviderError } from '../providers/provider';
import type { Provider } from '../providers/provider';
import { whileBeating } from './beating';
import { reasonForProviderError } from './failures';
import type { PayoutSettings } from './payout-settings';
import type { OpenedCredential, ProviderAccess } from './provider-access';
import type { RequestBudget } from './request-budget';
import { untilDatabaseAnswers } from './until-database-answers';

export interface SubmitDeps {
  pool: Pool;
  access: ProviderAccess;
  budget: RequestBudget;
  settings: PayoutSettings;
  logger: Logger;
}

/** The token version is what `authenticate` made ready; the token itself is read, and renewed where stale, at the call. */
export interface SubmitInput {
  payoutId: string;
  attempt: number;
  tokenVersion: number;
}

/** Ends the money call before its first byte; nothing of the attempt is left but, maybe, a written intent of nobody. */
class ClearanceRefused extends Error {
  override readonly name = 'ClearanceRefused';

  constructor(readonly refusal: IntentRefusal) {
    super(`no call: ${refusal}`);
  }
}

type Intent = Pick<Answer, 'probe' | 'asLeft'>;

interface Call {
  submissionId: string;
  outcome: Outcome;
  /** Null where no intent was written: the connection failed before. */
  intent: Intent | null;
  /** What the call was made with, so that a second one can ask for a newer one. */
  tokenVersion: number;
  keyId: string;
}

/** What a call must be newer than: the token's version (0: any will do) and the key. */
interface Stale {
  tokenVersion: number;
  staleKeyId: string | null;
}

/** What the provider refused a call for that another token or key may cure; null where it did not. */
function whatIsStale({ outcome, tokenVersion, keyId }: Call): Stale | null {
  if (outcome.outcome !== 'rejected') return null;
  if (outcome.remedy === 'renew_token') return { tokenVersion, staleKeyId: null };
  return outcome.remedy === 'renew_key' ? { tokenVersion: 0, staleKeyId: keyId } : null;
}

/**
 * Makes the provider move the money, once. Runs with one attempt only: what comes next is the workflow's to decide, from
 * the position that is returned. The intent is written after the connection stands and right before the first byte.
 */
export function createSubmit(deps: SubmitDeps): (input: SubmitInput) => Promise<Position> {
  const { pool, access, budget, settings } = deps;

  return (input) => whileBeating(() => submitPayout(input));

  async function submitPayout(input: SubmitInput): Promise<Position> {
    const found = await findPayoutToSend(pool, input.payoutId);
    if (!found) throw new Error(`payout ${input.payoutId} does not exist`);
    const { payout, credential } = found;
    const isOurs = isToBeSent(payout) && payout.attempt === input.attempt;
    const row = isOurs ? await attemptPayout(payout, credential, input) : null;
    return (row && positionInRow(row, settings)) ?? (await readPosition(pool, input.payoutId, settings));
  }

  /** The payout's row as it then stands, where it is known. */
  async function attemptPayout(
    payout: Payout,
    found: KeyedCredential,
    input: SubmitInput,
  ): Promise<StandingRow | null> {
    try {
      const credential = await access.open(found);
      const provider = access.provider(credential);
      const first = await call(
        payout,
        provider,
        credential,
        { call: 1, tokenVersion: input.tokenVersion - 1, staleKeyId: null },
        (request) => writeIntent(pool, request),
      );
      if (first.intent === null) {
        await defer(payout, input, 'provider_unreachable', first.outcome);
        return null;
      }
      const stale = whatIsStale(first);
      if (stale === null || !(await noteCurableRefusal(payout, credential, first))) {
        return await recordStubbornly(payout, credential, first, first.intent);
      }
      const second = await secondCall(payout, provider, credential, stale);
      if (second?.intent) return await recordStubbornly(payout, credential, second, second.intent);
      await queueAgain(payout);
    } catch (error) {
      if (error instanceof ClearanceRefused) {
        if (error.refusal !== 'superseded') await defer(payout, input, error.refusal, null);
        return null;
      }
      if (!(error instanceof ProviderError)) throw error;
      await defer(payout, input, reasonForProviderError(error), { code: error.code, text: null });
    }
    return null;
  }

  /** One money call: fresh token and key, then connection, intent, first byte, answer. */
  async function call(
    payout: Payout,
    provider: Provider,
    credential: OpenedCredential,
    renew: Stale & { call: 1 | 2 },
    write: (request: IntentRequest) => Promise<IntentAnswer>,
  ): Promise<Call> {
    const token = await access.token(credential, {
      leastLifeMs: provider.submitTimeoutMs,
      afterVersion: renew.tokenVersion,
    });
    const encryptedPin = await access.encryptedPin(credential, renew.staleKeyId ?? undefined);
    await budget.spend(credential.gate);

    const submissionId = submissionReference({ payoutId: payout.id, attempt: payout.attempt, call: renew.call });
    const writer = randomUUID();
    const sendBy = new Date(Date.now() + settings.sendByMs);
    let intent: Call['intent'] = null;
    const send = (): Promise<Outcome> =>
      provider.submit(
        {
          reference: submissionId,
          amount: payout.amount,
          currency: payout.currency,
          recipient: payout.recipient.msisdn ?? '',
          account: credential.account,
          token: token.value,
          encryptedPin: encryptedPin.value,
        },
        async () => {
          const answer = await write({
            payoutId: payout.id,
            attempt: payout.attempt,
            submissionId,
            writer,
            account: credential.gate,
            credentialId: credential.id,
            pinFingerprint: credential.pinFingerprint,
            sendByMs: Math.max(0, sendBy.getTime() - Date.now()),
            probeMs: settings.sendByMs + provider.submitTimeoutMs + settings.sendByMarginMs,
            settlementWindowMs: settings.settlementWindowMs ?? provider.settlementWindowMs,
          });
          if ('refused' in answer) throw new ClearanceRefused(answer.refused);
          intent = { probe: answer.probe, asLeft: answer.payout };
          return 'go';
        },
        sendBy,
      );
    let outcome: Outcome;
    try {
      outcome = await send();
    } catch (error) {
      // The port throws only what the clearance threw, so nothing left. A lost commit may have written the intent.
      if (!(error instanceof ClearanceRefused)) await proveNotSent(payout, credential, { submissionId, writer });
      throw error;
    }
    return { submissionId, outcome, intent, tokenVersion: token.version, keyId: encryptedPin.keyId };
  }

  /** What may be cured is written down before the renewal: it takes time, in which this process may die. */
  async function noteCurableRefusal(payout: Payout, credential: OpenedCredential, first: Call): Promise<boolean> {
    const attempt = {
      payoutId: payout.id,
      attempt: payout.attempt,
      account: credential.gate,
      pinFingerprint: credential.pinFingerprint,
    };
    return await untilDatabaseAnswers(deps.logger, () => writeCurableRefusal(pool, attempt, first));
  }

  /** After a refused token or key the same attempt makes at most one second call, as a row of its own; null: none left. */
  async function secondCall(
    payout: Payout,
    provider: Provider,
    credential: OpenedCredential,
    stale: Stale,
  ): Promise<Call | null> {
    try {
      return await call(payout, provider, credential, { call: 2, ...stale }, (request) =>
        writeSecondIntent(pool, request),
      );
    } catch (err) {
      deps.logger.warn({ payoutId: payout.id, err }, 'no second call was made');
      return null;
    }
  }

  /** What its calls told is written, and nothing of another one left: the payout waits for its next attempt. */
  async function queueAgain({ id: payoutId, attempt, deferrals }: Payout): Promise<void> {
    const backOff = backOffMs(deferrals, settings.backOff);
    await untilDatabaseAnswers(deps.logger, () =>
      recoverAttempt(pool, { payoutId, attempt, backOff, watchMs: settings.watchMs }),
    );
  }

  /**
   * An answer is worth more than anything else here: it is written again and again for as long as the activity may run.
   * If that fails, the row without an outcome says `unknown`, which is true.
   */
  async function recordStubbornly(
    payout: Payout,
    credential: OpenedCredential,
    { submissionId, outcome }: Call,
    intent: Intent,
  ): Promise<StandingRow | null> {
    return await untilDatabaseAnswers(deps.logger, () =>
      recordAnswer(pool, {
        payoutId: payout.id,
        submissionId,
        outcome,
        account: credential.gate,
        pinFingerprint: credential.pinFingerprint,
        ...intent,
        backOff: settings.backOff,
        watchMs: settings.watchMs,
      }),
    );
  }

  /**
   * Writes `not_sent` on an intent whose commit was not answered, for as long as the database is away. Only on its own: the
   * same attempt may have been made by another activity, whose call is on its way.
   */
  async function proveNotSent(
    payout: Payout,
    credential: OpenedCredential,
    { submissionId, writer }: { submissionId: string; writer: string },
  ): Promise<void> {
    const outcome = { outcome: 'not_sent', reason: 'intent_unsure', code: null, text: null } as const;
    const written = await untilDatabaseAnswers(deps.logger, () => findSubmission(pool, submissionId));
    const untold = { submissionId, outcome, intent: null, tokenVersion: 0, keyId: '' };
    if (written?.outcome === null && written.writer === writer)
      await recordStubbornly(payout, credential, untold, { probe: true, asLeft: null });
  }

  async function defer(
    payout: Payout,
    { attempt }: SubmitInput,
    reason: Reason,
    words: { code: string | null; text: string | null } | null,
  ): Promise<void> {
    await deferPayout(pool, {
      payoutId: payout.id,
      attempt,
      reason,
      ...(words === null ? {} : { words: { code: words.code, text: words.text } }),
      ...settings.backOff,
    });
  }
}
