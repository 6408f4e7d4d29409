import type { Pool } from 'pg';

import type { Environment } from '../domain/environment';
import type { ApprovalThresholds } from '../domain/bulk-approval';
import type { Payout } from '../domain/payout';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import { assertOperates } from './persons';
import type { Db } from './pool';
import { insertStop, liftStop } from './stops';
import type { StopScope } from './stops';
import { withTransaction } from './transaction';
import { wakeQueuedPayouts } from './wake-payouts';

/** Writes down what an operator did that is not a change of one payout. */
export async function insertOperatorEvent(
  trx: Db,
  event: { personId: string; action: string; target: string; detail?: Record<string, unknown> },
): Promise<void> {
  await trx.query('insert into operator_events (person_id, action, target, detail) values ($1, $2, $3, $4)', [
    event.personId,
    event.action,
    event.target,
    event.detail ?? {},
  ]);
}

/**
 * Adds to a merchant's float. The request id makes it book once per merchant, environment and currency; false where it was
 * booked before. PostgreSQL refuses one that was booked with another amount.
 */
export async function topUpFloat(
  pool: Pool,
  topUp: {
    merchantId: string;
    environment: Environment;
    currency: string;
    amount: bigint;
    requestId: string;
    personId: string;
  },
): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    await assertOperates(trx, topUp.personId, topUp.merchantId);
    const { rows } = await trx.query<{ booked: boolean }>('select top_up_float($1, $2, $3, $4, $5) as booked', [
      topUp.merchantId,
      topUp.environment,
      topUp.currency,
      topUp.amount,
      topUp.requestId,
    ]);
    const booked = rows[0]?.booked ?? false;
    if (booked) {
      await insertOperatorEvent(trx, {
        personId: topUp.personId,
        action: 'top_up',
        target: `${topUp.merchantId}/${topUp.environment}/${topUp.currency}`,
        detail: { amount: topUp.amount.toString(), request: topUp.requestId },
      });
    }
    return booked;
  });
}

/**
 * Says above what a merchant's person may not send without an approval by a second person, counted over the window. Bulks that
 * wait already go on waiting. `windowHours` null: as it was.
 */
export async function setApprovalThresholds(
  pool: Pool,
  {
    merchantId,
    lines,
    total,
    windowHours,
    personId,
  }: ApprovalThresholds & {
    merchantId: string;
    windowHours: number | null;
    personId: string;
  },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    await assertOperates(trx, personId, merchantId);
    await trx.query(
      `update merchants set approval_above_lines = $2, approval_above_total = $3,
         approval_window = coalesce($4 * interval '1 hour', approval_window) where id = $1`,
      [merchantId, lines, total, windowHours],
    );
    const detail = {
      lines,
      total: total?.toString() ?? null,
      ...(windowHours === null ? {} : { window_hours: windowHours }),
    };
    await insertOperatorEvent(trx, { personId, action: 'set_approval', target: merchantId, detail });
  });
}

/** Money came back after success: the payout is returned and the float credited again, once. */
export async function returnPayout(
  pool: Pool,
  { payoutId, personId }: { payoutId: string; personId: string },
): Promise<Payout> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    await assertOperates(trx, personId, payout.merchantId);
    if (payout.state === 'returned') return payout;
    await trx.query('select count_return($1, $2)', [personId, payoutId]);
    const moved = await movePayout(trx, payout, {
      to: 'returned',
      actor: `person:${personId}`,
      reason: 'money_came_back',
    });
    const { rows } = await trx.query<{ booked: boolean }>('select book_return($1) as booked', [payoutId]);
    if (rows[0]?.booked !== true) throw new Error(`nothing of payout ${payoutId} is captured`);
    return moved;
  });
}

/** Stops sending for a merchant, a provider or one payout. Returns false where it is stopped already. */
export async function stopSending(
  pool: Pool,
  stop: { scope: StopScope; target: string; reason: string; personId: string },
): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    const id = await insertStop(trx, stop);
    if (id === null) return false;
    const { personId, scope, target, reason } = stop;
    await insertOperatorEvent(trx, { personId, action: 'stop', target: `${scope}/${target}`, detail: { reason } });
    return true;
  });
}

/** Lifts a stop; what waited for it is due at once. Returns how many payouts were woken, or null where none stood. */
export async function resumeSending(
  pool: Pool,
  resume: { scope: StopScope; target: string; personId: string },
): Promise<number | null> {
  return await withTransaction(pool, async (trx) => {
    if (!(await liftStop(trx, resume))) return null;
    const { personId, scope, target } = resume;
    await insertOperatorEvent(trx, { personId, action: 'resume', target: `${scope}/${target}` });
    return await wakeQueuedPayouts(trx, { reasons: ['stopped_by_operations'] });
  });
}
