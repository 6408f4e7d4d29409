import type { Pool } from 'pg';

import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { isToBeSent, ownPayoutOwner } from '../domain/payout';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import { isBulkRunning } from './bulk-rows';
import { isSentAgainSinceCancel } from './decided-lines';
import { passPinGate, tellPinGate } from './pin-gates';
import type { GatedAccount } from './pin-gates';
import { whySendingWaits } from './stops';
import { putInReview } from './put-in-review';
import { findSubmission, insertSubmission, writeOutcome } from './submissions';
import { withTransaction } from './transaction';
import type { Db } from './pool';

export interface IntentRequest {
  payoutId: string;
  attempt: number;
  /** Our id of the submission: the provider's reference. */
  submissionId: string;
  /** Of the activity: tells its own row from that of another one which made the same attempt. */
  writer: string;
  account: GatedAccount;
  credentialId: string;
  pinFingerprint: Buffer;
  /** Milliseconds from now until the first byte must have left. */
  sendByMs: number;
  /** Milliseconds from now after which a probe's caller is given up. */
  probeMs: number;
  settlementWindowMs: number;
}

/** Why no call may leave. `superseded`: the payout is elsewhere by now, or this attempt is written already. */
export type IntentRefusal =
  'superseded' | 'bulk_waits' | 'after_restore' | 'stopped_by_operations' | 'credential_blocked' | 'credential_proving';

export type IntentAnswer = WrittenIntent | { refused: IntentRefusal };

export interface WrittenIntent {
  sendBy: Date;
  /** Whether the call proves its PIN. */
  probe: boolean;
  /** As the intent left it. */
  payout: Payout;
}

/**
 * Writes the intent of an attempt's first call, with its fence: locks the payout's row and checks state, owner, attempt,
 * the stop by operations and the credential gate. Whoever commits first of an intent, a cancel and a void wins.
 * A row that is there already means: do not call.
 */
export async function writeIntent(pool: Pool, request: IntentRequest): Promise<IntentAnswer> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, request.payoutId);
    if (!isToBeSent(payout) || !isOurs(payout, request)) return { refused: 'superseded' };
    const refused = await checkFence(trx, payout, request);
    if ('refused' in refused) return refused;
    const sendBy = await insertCall(trx, payout, request, 1);
    const moved = await movePayout(trx, payout, {
      to: 'processing',
      actor: 'system',
      reason: 'sending',
      submissionId: request.submissionId,
      settleBy: payout.settleBy ?? new Date(Date.now() + request.settlementWindowMs),
    });
    return { sendBy, probe: refused.probe, payout: moved };
  });
}

/**
 * Writes the first call's refusal for a stale token or key, which the second call may cure, before the renewal that this
 * takes: nothing that happens meanwhile can lose it. The payout stays where it is until the second call is written down
 * or `recoverAttempt` puts it back in the queue. False, with nothing written, where the payout is elsewhere by now.
 */
export async function writeCurableRefusal(
  pool: Pool,
  request: Pick<IntentRequest, 'payoutId' | 'attempt' | 'account' | 'pinFingerprint'>,
  first: { submissionId: string; outcome: Outcome },
): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, request.payoutId);
    const firstCall = await findSubmission(trx, first.submissionId);
    if (payout.state !== 'processing' || !isOurs(payout, request) || !firstCall) return false;
    // Written by an earlier try of this whose commit was not answered.
    if (firstCall.outcome === 'rejected') return true;
    if (firstCall.outcome !== null) return false;
    // The call may itself have been the probe of a new PIN; its refusal said nothing of the PIN.
    await tellPinGate(trx, request.account, {
      fingerprint: request.pinFingerprint,
      callId: first.submissionId,
      evidence: 'silent',
      code: first.outcome.code,
    });
    return await writeOutcome(trx, firstCall, first.outcome, { source: 'answer', sourceId: firstCall.id });
  });
}

/** Writes the one second call that a renewed token or key allows, after the first one's refusal was written. */
export async function writeSecondIntent(pool: Pool, request: IntentRequest): Promise<IntentAnswer> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, request.payoutId);
    if (payout.state !== 'processing' || !isOurs(payout, request)) return { refused: 'superseded' };
    const refused = await checkFence(trx, payout, request);
    if ('refused' in refused) return refused;
    return { sendBy: await insertCall(trx, payout, request, 2), probe: refused.probe, payout };
  });
}

function isOurs(payout: Payout, request: Pick<IntentRequest, 'attempt'>): boolean {
  return payout.owner === ownPayoutOwner(payout.id) && payout.attempt === request.attempt;
}

/** A line leaves while its bulk runs, or because people send it again after the bulk was cancelled. */
async function mayLeave(trx: Db, { id, bulkId }: Payout): Promise<boolean> {
  return bulkId === null || (await isBulkRunning(trx, bulkId)) || (await isSentAgainSinceCancel(trx, id));
}

async function checkFence(
  trx: Db,
  payout: Payout,
  request: IntentRequest,
): Promise<{ refused: IntentRefusal } | { probe: boolean }> {
  if (!(await mayLeave(trx, payout))) return { refused: 'bulk_waits' };
  const waits = await whySendingWaits(trx, payout);
  if (waits === 'stranger') {
    // Its first acceptance was lost with a database that went back in time; it may have been sent then.
    await putInReview(trx, payout, { kind: 'stranger', detail: null, reason: 'lost_by_restore' });
    return { refused: 'superseded' };
  }
  if (waits !== null) return { refused: waits };
  const gate = await passPinGate(trx, request.account, {
    fingerprint: request.pinFingerprint,
    callId: request.submissionId,
    probeMs: request.probeMs,
  });
  switch (gate) {
    case 'blocked':
      return { refused: 'credential_blocked' };
    case 'proving':
      return { refused: 'credential_proving' };
    case 'probe':
    case 'proceed':
      return { probe: gate === 'probe' };
    default:
      return gate satisfies never;
  }
}

async function insertCall(trx: Db, payout: Payout, request: IntentRequest, call: number): Promise<Date> {
  return await insertSubmission(trx, {
    id: request.submissionId,
    writer: request.writer,
    payoutId: payout.id,
    attempt: payout.attempt,
    call,
    holdNo: payout.holdNo,
    provider: payout.provider,
    credentialId: request.credentialId,
    accountNumber: request.account.accountNumber,
    amount: payout.amount,
    currency: payout.currency,
    sendByMs: request.sendByMs,
  });
}
