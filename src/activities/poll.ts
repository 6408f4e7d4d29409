import { setTimeout as sleep } from 'node:timers/promises';

import { cancelled, heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';

import { allowResend } from '../db/allow-resend';
import { applyOutcome } from '../db/apply-outcome';
import { newId } from '../db/ids';
import { insertLookUp } from '../db/look-ups';
import { mergeAtOnce } from '../db/merge-at-once';
import { movePayout } from '../db/move-payout';
import type { Credential } from '../db/credentials';
import { findAskedPayout } from '../db/payout-reads';
import type { AskedPayout } from '../db/payout-reads';
import { findPayout, lockPayout } from '../db/payout-rows';
import { positionInRow, readPosition } from '../db/positions';
import type { StandingRow } from '../db/positions';
import { listSubmissions } from '../db/submissions';
import { withTransaction } from '../db/transaction';
import type { Outcome } from '../domain/outcome';
import { isWindowOver } from '../domain/payout';
import type { Payout } from '../domain/payout';
import type { Position } from '../domain/position';
import { isOpenCall } from '../domain/submission';
import type { Submission } from '../domain/submission';
import { ProviderError } from '../providers/provider';
import type { StatusAnswer } from '../providers/provider';
import { stillPending } from './failures';
import { createLookUpRound, newsOfLookUp } from './look-up-round';
import type { LookUpDeps } from './look-up-round';

export interface AskActivities {
  /** Asks the status of what the provider has taken until it is final. */
  pollStatus(payoutId: string): Promise<Position>;
  /** The same for as long as the position says, beside the workflow: most payouts are final within seconds. */
  pollAtOnce(input: { payoutId: string; forMs: number }): Promise<Position>;
  /** Looks up by all our references until something is proven. */
  lookUpPayout(payoutId: string): Promise<Position>;
}

/**
 * They ask in a loop for a while, with heartbeats, and then hand over to the engine's retry, whose gap grows with the
 * age of what is asked for: many short waits cost no history, long ones hold no worker.
 */
export function createAskActivities(deps: LookUpDeps): AskActivities {
  const { pool, access, settings } = deps;
  const lookUpRound = createLookUpRound(deps);
  const askStatus = createStatusRound(deps, lookUpRound);

  async function askUntil(payoutId: string, { round, while_, forMs, orElse }: Asking): Promise<Position> {
    const until = Date.now() + forMs;
    for (;;) {
      const asked = await mustFind(pool, payoutId);
      const { payout } = asked;
      if (payout.state !== while_ || payout.resend) break;
      const isLast = isWindowOver(payout);
      try {
        const moved = await round(asked);
        if (isLast) await noteLastLook(payout);
        const position = typeof moved === 'object' ? positionInRow(moved, settings) : null;
        if (position) return position;
        if (moved || isLast) break;
      } catch (error) {
        // A provider that cannot be asked now is asked again; the deadline of the wait is the workflow's.
        if (!(error instanceof ProviderError)) throw error;
      }
      if (orElse === 'retry') heartbeat();
      const gap = gapAfter(Date.now() - payout.updatedAt.getTime(), settings.poll);
      if (Date.now() + gap > until) {
        if (orElse === 'return') break;
        throw stillPending(gap);
      }
      await Promise.race([sleep(gap), cancelled()]);
    }
    return await readPosition(pool, payoutId, settings);
  }

  const poll = { round: askStatus, while_: 'pending' } as const;
  const lookUp = { round: lookUpOnce, while_: 'unknown' } as const;
  return {
    pollStatus: (payoutId) => askUntil(payoutId, { ...poll, forMs: settings.pollLoopMs, orElse: 'retry' }),
    lookUpPayout: (payoutId) => askUntil(payoutId, { ...lookUp, forMs: settings.pollLoopMs, orElse: 'retry' }),
    pollAtOnce: ({ payoutId, forMs }) => askUntil(payoutId, { ...poll, forMs, orElse: 'return' }),
  };

  /** A status that says nothing yet leaves no trace but this one: after it the window may end. */
  async function noteLastLook({ id, state }: Payout): Promise<void> {
    if (state !== 'pending') return;
    for (const submission of (await listSubmissions(pool, id)).filter(isOpenCall)) {
      const { id: submissionId, providerReference } = submission;
      await insertLookUp(pool, { payoutId: id, submissionId, verdict: 'in_flight', providerReference, rowsSeen: 1 });
    }
  }

  async function lookUpOnce({ payout: { id, provider, environment, state } }: AskedPayout): Promise<boolean> {
    await lookUpRound(id, 'open');
    const { dedupe } = access.provider({ provider, environment });
    if (dedupe.kind === 'lookup' && dedupe.resendAfterMs !== null) {
      await allowResend(pool, { payoutId: id, afterMs: settings.sendByMarginMs + dedupe.resendAfterMs });
    }
    const { payout } = await mustFind(pool, id);
    return payout.state !== state || payout.resend;
  }
}

/** Whether the payout is elsewhere by now; its row, where it was just moved there. */
type Elsewhere = boolean | StandingRow;

interface Asking {
  round: (asked: AskedPayout) => Promise<Elsewhere>;
  /** The state that the asking is about; it ends with it. */
  while_: Payout['state'];
  forMs: number;
  /** What happens after `forMs`: the engine's retry, with a heartbeat in each round, or the caller goes on. */
  orElse: 'retry' | 'return';
}

/** The gap grows with the age of the wait: a quarter of it, between the two bounds. */
export function gapAfter(ageMs: number, { firstMs, maxMs }: { firstMs: number; maxMs: number }): number {
  return Math.round(Math.min(maxMs, Math.max(firstMs, ageMs / 4)));
}

async function mustFind(pool: Pool, payoutId: string): Promise<AskedPayout> {
  const asked = await findAskedPayout(pool, payoutId);
  if (!asked) throw new Error(`payout ${payoutId} does not exist`);
  return asked;
}

/** One status call for each submission that the provider has taken, by the provider's own reference. */
export function createStatusRound(
  { pool, access, budget, settings }: LookUpDeps,
  lookUpRound: ReturnType<typeof createLookUpRound>,
): (asked: AskedPayout) => Promise<Elsewhere> {
  return async ({ payout, calls }) => {
    let moved: Elsewhere = false;
    for (const { submission, credential } of calls.filter((call) => isOpenCall(call.submission))) {
      // Beside one that the provider has taken, an earlier one may stand whose answer was lost.
      if (submission.outcome !== 'accepted' || submission.providerReference === null) {
        await lookUpRound(payout.id, 'open');
        return await hasLeft(payout);
      }
      const answer = await ask(credential, submission.providerReference);
      moved = (await merge(payout, submission, answer)) || moved;
    }
    return moved;
  };

  async function hasLeft({ id, state }: Payout): Promise<boolean> {
    return (await findPayout(pool, id))?.state !== state;
  }

  async function ask(found: Credential, providerReference: string): Promise<StatusAnswer> {
    const credential = await access.open(found);
    const token = await access.token(credential, { leastLifeMs: 10_000 });
    await budget.spend(credential.gate);
    return await access.retryingToken(credential, token, (value) =>
      access.provider(credential).fetchStatus(credential.account, value, providerReference),
    );
  }

  async function merge(payout: Payout, submission: Submission, answer: StatusAnswer): Promise<Elsewhere> {
    switch (answer.status) {
      case 'in_flight':
        return false;
      case 'success':
        return await settle(payout, submission, answer);
      case 'failed':
        await confirmRefusal(payout, submission, answer);
        return await hasLeft(payout);
      case 'unmapped':
        return await withTransaction(pool, async (trx) => {
          const locked = await lockPayout(trx, payout.id);
          if (locked.state !== 'pending') return true;
          await movePayout(trx, locked, { to: 'unknown', actor: 'provider', reason: 'status_unclear', words: answer });
          return true;
        });
      default:
        return answer.status satisfies never;
    }
  }

  async function settle(payout: Payout, submission: Submission, answer: StatusAnswer): Promise<Elsewhere> {
    const outcome = {
      outcome: 'settled',
      providerReference: submission.providerReference,
      code: answer.code,
      text: answer.text,
    } as const;
    const news = newsOfLookUp(settings, submission.id, outcome, newId('lu'));
    const moved = await mergeAtOnce(pool, { payout, submission }, news);
    return moved ?? (await applyAnswer(payout, submission, outcome));
  }

  /** One reference may show a failure and a success (rule 12): a refusal is believed when no row says otherwise. */
  async function confirmRefusal(payout: Payout, submission: Submission, answer: StatusAnswer): Promise<void> {
    const verdicts = await lookUpRound(payout.id, 'open');
    if (!verdicts.every(({ verdict }) => verdict === 'absent')) return;
    await applyAnswer(payout, submission, {
      outcome: 'rejected',
      kind: 'final',
      remedy: null,
      code: answer.code,
      text: answer.text,
    });
  }

  async function applyAnswer(
    payout: Payout,
    submission: Submission,
    outcome: Extract<Outcome, { outcome: 'settled' | 'rejected' }>,
  ): Promise<boolean> {
    return await withTransaction(pool, async (trx) => {
      const locked = await lockPayout(trx, payout.id);
      const lookUpId = await insertLookUp(trx, {
        payoutId: payout.id,
        submissionId: submission.id,
        verdict: outcome.outcome,
        providerReference: submission.providerReference,
        rowsSeen: 1,
      });
      const applied = await applyOutcome(trx, locked, newsOfLookUp(settings, submission.id, outcome, lookUpId));
      return applied.state !== payout.state;
    });
  }
}
