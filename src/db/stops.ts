import { newId } from './ids';
import type { Db } from './pool';

export const STOP_SCOPES = ['merchant', 'provider', 'payout'] as const;

export type StopScope = (typeof STOP_SCOPES)[number];

/** True where operations stopped sending for the payout, its merchant or its provider. */
export async function isStopped(
  trx: Db,
  payout: { id: string; merchantId: string; provider: string },
): Promise<boolean> {
  const { rows } = await trx.query<{ stopped: boolean }>(
    `select exists (select 1 from stops where resumed_at is null and (scope, target) in
       (('payout', $1), ('merchant', $2), ('provider', $3))) as stopped`,
    [payout.id, payout.merchantId, payout.provider],
  );
  return rows[0]?.stopped ?? false;
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
