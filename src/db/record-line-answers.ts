import type { Pool } from 'pg';

import type { BatchOutcome } from '../domain/batch';
import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { mergeOutcomes } from './apply-outcomes';
import type { OnRefused } from './refusals';
import { writeBatchOutcome } from './bulk-batches';
import { backOffMs } from './defer-payout';
import { tellPinGate } from './pin-gates';
import type { GatedAccount } from './pin-gates';
import { isAgainstPin, pinEvidence } from './record-answer';
import { sparingLines } from './sparing-lines';

export interface LineAnswers {
  bulkId: string;
  answers: readonly { payout: Payout; submissionId: string; outcome: Outcome }[];
  /** What the call told of the batch in which they left; null where each left by itself. */
  batch: { id: string; outcome: BatchOutcome } | null;
  /** The gate that the calls passed. */
  account: GatedAccount;
  pinFingerprint: Buffer;
  probe: boolean;
  backOff: { firstMs: number; maxMs: number };
  watchMs: number;
  onRefused: OnRefused;
}

/**
 * Writes what the calls of many lines told: outcomes, states, holds and the gate, in one transaction. A line of which it is
 * refused goes before people, with its answer kept.
 */
export async function recordLineAnswers(pool: Pool, given: LineAnswers): Promise<ReadonlyMap<string, Payout>> {
  return await sparingLines(pool, given.onRefused, async (trx, spare) => {
    if (given.batch) await writeBatchOutcome(trx, given.batch.id, given.batch.outcome);
    const payouts = await mergeOutcomes(
      trx,
      spare,
      given.bulkId,
      given.answers.map(({ payout, submissionId, outcome }) => ({
        payoutId: payout.id,
        submissionId,
        outcome,
        source: 'answer',
        sourceId: submissionId,
        backOffMs: backOffMs(payout.deferrals, given.backOff),
        watchMs: given.watchMs,
      })),
    );
    const wrong = given.answers.find(({ outcome }) => isAgainstPin(pinEvidence(outcome)));
    const told = wrong ?? (given.probe ? given.answers[0] : undefined);
    if (told) {
      await tellPinGate(trx, given.account, {
        fingerprint: given.pinFingerprint,
        callId: told.submissionId,
        evidence: pinEvidence(told.outcome),
        code: told.outcome.code,
      });
    }
    return payouts;
  });
}
