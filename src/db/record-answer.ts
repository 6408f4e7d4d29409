import type { Pool } from 'pg';

import type { Outcome } from '../domain/outcome';
import { applyOutcome } from './apply-outcome';
import { backOffMs } from './defer-payout';
import { lockPayout } from './payout-rows';
import { tellPinGate } from './pin-gates';
import type { GatedAccount, PinEvidence } from './pin-gates';
import { withTransaction } from './transaction';

export interface Answer {
  payoutId: string;
  submissionId: string;
  outcome: Outcome;
  /** The gate that the call passed. */
  account: GatedAccount;
  pinFingerprint: Buffer;
  probe: boolean;
  backOff: { firstMs: number; maxMs: number };
  watchMs: number;
}

/** Writes what the money call told: the submission's outcome, the payout's state and hold, and the gate, in one transaction. */
export async function recordAnswer(pool: Pool, answer: Answer): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, answer.payoutId);
    await applyOutcome(trx, payout, {
      submissionId: answer.submissionId,
      outcome: answer.outcome,
      source: 'answer',
      sourceId: answer.submissionId,
      backOffMs: backOffMs(payout.deferrals, answer.backOff),
      watchMs: answer.watchMs,
    });
    const evidence = pinEvidence(answer.outcome);
    if (answer.probe || evidence === 'wrong') {
      await tellPinGate(trx, answer.account, {
        fingerprint: answer.pinFingerprint,
        callId: answer.submissionId,
        evidence,
        code: answer.outcome.code,
      });
    }
  });
}

/** A refusal may come before the PIN was looked at: only an order that was taken proves the PIN right. */
export function pinEvidence(outcome: Outcome): PinEvidence {
  switch (outcome.outcome) {
    case 'accepted':
    case 'settled':
      return 'right';
    case 'rejected':
      return outcome.remedy === 'replace_pin' ? 'wrong' : 'silent';
    case 'not_sent':
      return 'silent';
    case 'unknown':
      return 'lost';
    default:
      return outcome satisfies never;
  }
}
