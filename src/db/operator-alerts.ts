import type { Pool } from 'pg';

import { OPERATOR_TENANT } from '../domain/operator-alert';
import type { OperatorCondition } from '../domain/operator-alert';
import { newId } from './ids';
import { readConditions } from './operator-conditions';
import type { Db } from './pool';
import { withTransaction } from './transaction';

export interface OperatorAlert extends OperatorCondition {
  id: string;
  raisedAt: Date;
}

/** Any fixed number that nothing else in this database locks. */
const ALERTS_LOCK = 7_405_181_226;

/**
 * Holds what stands now against what was told: a condition that is new is written and put into the outbox of every endpoint
 * of the operator that wants it, one that no longer stands ends, so that it is told again when it comes back. Returns the new
 * ones. `others`: conditions that more than a query is needed for. Many processes may call it at once: one does the work.
 */
export async function raiseAlerts(pool: Pool, others: readonly OperatorCondition[]): Promise<readonly OperatorAlert[]> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [ALERTS_LOCK]);
    if (rows[0]?.mine !== true) return [];
    const standing = [...(await readConditions(trx)), ...others];
    await endAlerts(trx, standing);
    const raised: OperatorAlert[] = [];
    for (const condition of standing) {
      const alert = await insertAlert(trx, condition);
      if (!alert) continue;
      await insertNotices(trx, alert);
      raised.push(alert);
    }
    return raised;
  });
}

/** Alerts that stand, oldest first: what `ops status` shows. */
export async function listOpenAlerts(db: Db, limit = 200): Promise<readonly OperatorAlert[]> {
  const { rows } = await db.query<OperatorAlert>(
    `select id, kind, subject, detail, raised_at as "raisedAt" from operator_alerts where ended_at is null
     order by raised_at, id limit $1`,
    [limit],
  );
  return rows;
}

/** A review is over when it is closed, not when it is not read: those that were told are not read again. */
async function endAlerts(trx: Db, standing: readonly OperatorCondition[]): Promise<void> {
  await trx.query(
    `update operator_alerts alert set ended_at = clock_timestamp()
     where ended_at is null
       and case alert.kind
         when 'review.opened' then
           not exists (select from review_items item where item.id = alert.subject and item.closed_at is null)
         else not exists (select from unnest($1::text[], $2::text[]) as now (kind, subject)
           where now.kind = alert.kind and now.subject = alert.subject) end`,
    [standing.map(({ kind }) => kind), standing.map(({ subject }) => subject)],
  );
}

async function insertAlert(trx: Db, { kind, subject, detail }: OperatorCondition): Promise<OperatorAlert | null> {
  const { rows } = await trx.query<OperatorAlert>(
    `insert into operator_alerts (id, kind, subject, detail) values ($1, $2, $3, $4)
     on conflict (kind, subject) where ended_at is null do nothing
     returning id, kind, subject, detail, raised_at as "raisedAt"`,
    [newId('alt'), kind, subject, detail],
  );
  return rows[0] ?? null;
}

/** Due at once: there is no run that tries first. */
async function insertNotices(trx: Db, { id, kind, detail, raisedAt }: OperatorAlert): Promise<void> {
  await trx.query(
    `insert into outbox (event_id, endpoint_id, alert_id, type, object_version, snapshot, sweep_after)
     select 'evt_' || substr($1, 5) || '_1', endpoint.id, $1, $2, 1, $3, clock_timestamp()
     from webhook_endpoints endpoint
     where endpoint.merchant_id = $4 and endpoint.disabled_at is null and $2 = any (endpoint.events)`,
    [id, kind, { id, ...detail, raised_at: raisedAt.toISOString() }, OPERATOR_TENANT],
  );
}
