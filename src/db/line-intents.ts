import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { submissionReference } from '../domain/reference';
import { insertBatch } from './bulk-batches';
import { isBulkRunning } from './bulk-rows';
import type { IntentRefusal, IntentRequest } from './intents';
import { movePayouts } from './move-payout';
import { lockPayouts } from './payout-rows';
import { passPinGate } from './pin-gates';
import type { Db } from './pool';
import { whyLinesWait } from './stops';
import { insertLineCalls } from './submissions';
import { withTransaction } from './transaction';

export interface LineIntents extends Omit<IntentRequest, 'payoutId' | 'attempt' | 'submissionId'> {
  bulkId: string;
  /** Of one merchant, provider and credential; each with the attempt that it is to make. */
  lines: readonly Payout[];
  /** The batch in which they leave together; null where each leaves by itself. */
  batch: { id: string; tokenHash: Buffer } | null;
}

export interface WrittenIntents {
  /** The lines whose call may leave now, each under `callOf`; with `probe` a single one, which proves a new PIN. */
  sent: readonly Payout[];
  probe: boolean;
  /** Lines that wait for a probe's end. */
  unsent: readonly Payout[];
  /** Lines that operations stopped one by one, or that a restore lost: each needs a run of its own. */
  stopped: readonly string[];
}

export type LineIntentsAnswer = WrittenIntents | { refused: IntentRefusal };

/** Our id of a line's call: the provider's reference. A line makes one call per attempt. */
export function callOf({ id, attempt }: Pick<Payout, 'id' | 'attempt'>): string {
  return submissionReference({ payoutId: id, attempt, call: 1 });
}

/**
 * Writes the intents of many lines with their fence, in one transaction (rule 4): share-locks the bulk's row, so that a
 * pause or a cancel comes before or after all of them; locks the lines and leaves out those that are elsewhere by now;
 * checks stops and the credential gate. A new PIN lets one line through, which proves it.
 */
export async function writeLineIntents(pool: Pool, request: LineIntents): Promise<LineIntentsAnswer> {
  return await withTransaction(pool, async (trx) => {
    if (!(await isBulkRunning(trx, request.bulkId))) return { refused: 'bulk_waits' };
    const waiting = await lockWaitingLines(trx, request);
    const [first] = waiting;
    if (!first) return { sent: [], unsent: [], probe: false, stopped: [] };
    const { waits, stopped } = await whyLinesWait(trx, { ...first, payoutIds: waiting.map(({ id }) => id) });
    if (waits !== null) return { refused: waits };
    const free = waiting.filter(({ id }) => !stopped.has(id));
    const [one] = free;
    if (!one) return { sent: [], unsent: [], probe: false, stopped: [...stopped] };
    const gate = await passPinGate(trx, request.account, {
      fingerprint: request.pinFingerprint,
      callId: callOf(one),
      probeMs: request.probeMs,
    });
    if (gate === 'blocked') return { refused: 'credential_blocked' };
    if (gate === 'proving') return { refused: 'credential_proving' };
    const isProbe = gate === 'probe';
    // What proves a new PIN leaves by itself, not in a batch.
    const sent = isProbe
      ? await insertCalls(trx, { ...request, batch: null }, [one])
      : await insertCalls(trx, request, free);
    return { sent, unsent: isProbe ? free.slice(1) : [], probe: isProbe, stopped: [...stopped] };
  });
}

/** In the order in which they were asked for, which is that of the input. */
async function lockWaitingLines(trx: Db, { bulkId, lines }: LineIntents): Promise<readonly Payout[]> {
  const ids = lines.map(({ id }) => id);
  const locked = new Map((await lockPayouts(trx, ids)).map((payout) => [payout.id, payout]));
  return lines.flatMap(({ id, attempt }) => {
    const line = locked.get(id);
    const isWaiting = line?.state === 'queued' && line.owner === `bulk/${bulkId}` && line.attempt === attempt;
    return isWaiting ? [line] : [];
  });
}

async function insertCalls(trx: Db, request: LineIntents, lines: readonly Payout[]): Promise<readonly Payout[]> {
  const { batch, credentialId, writer, sendByMs } = request;
  if (batch) await insertBatch(trx, { ...request, batch }, lines.length);
  await insertLineCalls(
    trx,
    lines.map((line) => ({ id: callOf(line), payoutId: line.id })),
    { credentialId, accountNumber: request.account.accountNumber, writer, sendByMs, batchId: batch?.id ?? null },
  );
  const settleBy = new Date(Date.now() + request.settlementWindowMs);
  const moved = await movePayouts(
    trx,
    lines.map((line) => ({
      payout: line,
      move: {
        to: 'processing',
        actor: 'system',
        reason: 'sending',
        submissionId: callOf(line),
        settleBy: line.settleBy ?? settleBy,
      },
    })),
  );
  const byId = new Map(moved.map((line) => [line.id, line]));
  return lines.map((line) => byId.get(line.id) ?? line);
}
