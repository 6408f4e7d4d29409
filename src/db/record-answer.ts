import type { Pool } from 'pg';

import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { applyOutcome } from './apply-outcome';
import type { OutcomeNews } from './apply-outcome';
import { backOffMs } from './defer-payout';
import { mergeAtOnce } from './merge-at-once';
import { lockPayout } from './payout-rows';
import { tellPinGate } from './pin-gates';
import type { GatedAccount, PinEvidence } from './pin-gates';
import type { StandingRow } from './positions';
import { withTransaction } from './transaction';

export interface Answer {
  payoutId: string;
  submissionId: string;
  /** The payout as the call's intent left it; null where that is not known. */
  asLeft: Payout | null;
  outcome: Outcome;
  /** The gate that the call passed. */
  account: GatedAccount;
  pinFingerprint: Buffer;
  probe: boolean;
  backOff: { firstMs: number; maxMs: number };
  watchMs: number;
}

/**
 * Writes what the money call told: the submission's outcome, the payout's state and hold, and the gate, in one transaction.
 * Returns the payout's row as it then stands, where that is known; else it is to be read.
 */
export async function recordAnswer(pool: Pool, answer: Answer): Promise<StandingRow | null> {
  const evidence = pinEvidence(answer.outcome);
  const gate = answer.probe || isAgainstPin(evidence) ? evidence : null;
  const newsFor = ({ deferrals }: Payout): OutcomeNews => ({
    submissionId: answer.submissionId,
    outcome: answer.outcome,
    source: 'answer',
    sourceId: answer.submissionId,
    backOffMs: backOffMs(deferrals, answer.backOff),
    watchMs: answer.watchMs,
  });
  if (answer.asLeft && gate === null) {
    const submission = { id: answer.submissionId, outcome: null, everUnknown: false, providerReference: null };
    const merged = await mergeAtOnce(pool, { payout: answer.asLeft, submission }, newsFor(answer.asLeft));
    if (merged) return merged;
  }
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, answer.payoutId);
    await applyOutcome(trx, payout, newsFor(payout));
    if (gate === null) return;
    await tellPinGate(trx, answer.account, {
      fingerprint: answer.pinFingerprint,
      callId: answer.submissionId,
      evidence: gate,
      code: answer.outcome.code,
    });
  });
  return null;
}

/** What closes the gate, whichever call showed it. */
export function isAgainstPin(evidence: PinEvidence): boolean {
  return evidence === 'wrong' || evidence === 'expired';
}

/** A refusal may come before the PIN was looked at: only an order that was taken proves the PIN right. */
export function pinEvidence(outcome: Outcome): PinEvidence {
  switch (outcome.outcome) {
    case 'accepted':
    case 'settled':
      return 'right';
    case 'rejected':
      if (outcome.remedy === 'rotate_secret') return 'expired';
      return outcome.remedy === 'replace_pin' ? 'wrong' : 'silent';
    case 'not_sent':
      return 'silent';
    case 'unknown':
      return 'lost';
    default:
      return outcome satisfies never;
  }
}
