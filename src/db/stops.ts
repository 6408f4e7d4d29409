import { newId } from './ids';
import type { Db } from './pool';
import { prepared } from './prepared';

export const STOP_SCOPES = ['merchant', 'provider', 'payout'] as const;

export type StopScope = (typeof STOP_SCOPES)[number];

const WHY_SENDING_WAITS = prepared(
  'why_sending_waits',
  `select exists (select 1 from stops where resumed_at is null and (scope, target) in
       (('payout', $1), ('merchant', $2), ('provider', $3))) as stopped,
       exists (select 1 from restores where released_at is null) as restoring,
       exists (select 1 from strangers where payout_id = $1) and not exists (
         select 1 from decisions where payout_id = $1 and confirmed_at is not null) as stranger`,
);

/**
 * Why nothing of the payout may leave now, or null: operations stopped sending for it, its merchant or its provider; the
 * database went back in time and is not reconciled yet (`after_restore`); or this payout itself was lost by it and may have
 * been sent (`stranger`).
 */
export async function whySendingWaits(
  trx: Db,
  payout: { id: string; merchantId: string; provider: string },
): Promise<'after_restore' | 'stranger' | 'stopped_by_operations' | null> {
  const { rows } = await trx.query<{ stopped: boolean; restoring: boolean; stranger: boolean }>(
    WHY_SENDING_WAITS(payout.id, payout.merchantId, payout.provider),
  );
  if (rows[0]?.restoring) return 'after_restore';
  if (rows[0]?.stranger) return 'stranger';
  return rows[0]?.stopped ? 'stopped_by_operations' : null;
}

const WHY_LINES_WAIT = prepared(
  'why_lines_wait',
  `select exists (select 1 from stops where resumed_at is null and (scope, target) in
       (('merchant', $1), ('provider', $2))) as stopped,
     exists (select 1 from restores where released_at is null) as restoring,
     array(
       select target from stops where resumed_at is null and scope = 'payout' and target = any ($3)
       union select payout_id from strangers where payout_id = any ($3)
     ) as lines`,
);

/** The same for lines of one bulk: why none of them may leave, or which of them may not. */
export async function whyLinesWait(
  trx: Db,
  lines: { merchantId: string; provider: string; payoutIds: readonly string[] },
): Promise<{ waits: 'after_restore' | 'stopped_by_operations' | null; stopped: ReadonlySet<string> }> {
  const { rows } = await trx.query<{ stopped: boolean; restoring: boolean; lines: string[] }>(
    WHY_LINES_WAIT(lines.merchantId, lines.provider, lines.payoutIds),
  );
  const row = rows[0];
  const waits = row?.restoring ? 'after_restore' : row?.stopped ? 'stopped_by_operations' : null;
  return { waits, stopped: new Set(row?.lines) };
}

/** Stops sending. Returns the stop's id, or null where it is stopped already. */
export async function insertStop(
  trx: Db,
  stop: { scope: StopScope; target: string; reason: string; personId: string },
): Promise<string | null> {
  const { rows } = await trx.query<{ id: string }>(
    `insert into stops (id, scope, target, reason, stopped_by) values ($1, $2, $3, $4, $5)
     on conflict (scope, target) where resumed_at is null do nothing returning id`,
    [newId('stop'), stop.scope, stop.target, stop.reason, stop.personId],
  );
  return rows[0]?.id ?? null;
}

/** Lifts a stop and sets the payouts that waited for it due at once. Returns whether there was one. */
export async function liftStop(
  trx: Db,
  stop: { scope: StopScope; target: string; personId: string },
): Promise<boolean> {
  const { rowCount } = await trx.query(
    `update stops set resumed_by = $3, resumed_at = clock_timestamp()
     where scope = $1 and target = $2 and resumed_at is null`,
    [stop.scope, stop.target, stop.personId],
  );
  return rowCount === 1;
}
