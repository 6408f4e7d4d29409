import type { ProviderWords } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { canMove, isFinalState } from '../domain/payout-state';
import type { PayoutState } from '../domain/payout-state';
import type { Actor } from '../domain/principal';
import type { Reason } from '../domain/reasons';
import { webhookEventOf } from '../domain/webhook-event';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { prepared } from './prepared';

export interface PayoutMove {
  to: PayoutState;
  actor: Actor;
  reason: Reason;
  words?: ProviderWords;
  submissionId?: string;
  /** What proves it: `look_up:<id>`, `decision:<id>`, `callback:<id>`, `statement:<…>`. */
  evidence?: string;
  attempt?: number;
  holdNo?: number;
  settleBy?: Date | null;
  retryAt?: Date | null;
  deferrals?: number;
  providerReference?: string;
  watchUntil?: Date;
  /** Allows an unknown payout to be sent once more; every other move takes that back. */
  resend?: boolean;
}

/** Between two turns of a payout that is put back again and again its waits go on growing. */
const KEEPS_DEFERRALS: readonly PayoutState[] = ['queued', 'processing'];

/** Someone else changed the payout since it was read; read it again and decide anew. */
export class StalePayoutError extends Error {
  override readonly name = 'StalePayoutError';
}

/**
 * Moves a payout to a state: its row (only at the version that was read), its event and an outbox row for each endpoint
 * that wants the event, in one statement. `to` may be the present state, where only its reason or time changes.
 * Throws `StalePayoutError`; PostgreSQL refuses what the guards of migration 0003 forbid.
 */
export async function movePayout(trx: Db, payout: Payout, move: PayoutMove): Promise<Payout> {
  const sameState = payout.state === move.to;
  if (!sameState && !canMove(payout.state, move.to)) {
    throw new Error(`payout ${payout.id}: ${payout.state} may not go to ${move.to}`);
  }
  const { rows } = await trx.query<PayoutRow>(
    MOVE(
      payout.id,
      payout.version,
      move.to,
      move.reason,
      move.attempt ?? payout.attempt,
      move.holdNo ?? payout.holdNo,
      move.settleBy === undefined ? payout.settleBy : move.settleBy,
      move.retryAt ?? null,
      move.deferrals ?? (KEEPS_DEFERRALS.includes(move.to) ? payout.deferrals : 0),
      move.providerReference ?? payout.providerReference,
      isFinalState(move.to),
      move.watchUntil ?? null,
      payout.state,
      move.actor,
      move.words?.code ?? null,
      move.words?.text ?? null,
      move.submissionId ?? null,
      move.evidence ?? null,
      sameState ? null : webhookEventOf(move.to),
      !sameState,
      move.resend ?? false,
    ),
  );
  if (!rows[0]) throw new StalePayoutError(`payout ${payout.id} is no longer at version ${payout.version}`);
  return rowToPayout(rows[0]);
}

const MOVE = prepared(
  'move_payout',
  `
with moved as (
  update payouts set
    state = $3, reason = $4, version = version + 1, attempt = $5, hold_no = $6, settle_by = $7, retry_at = $8,
    deferrals = $9, provider_reference = $10, updated_at = clock_timestamp(),
    finished_at = case when $11 then clock_timestamp() end,
    watch_until = coalesce($12::timestamptz, watch_until), next_watch_at = case when $12::timestamptz is null then next_watch_at else clock_timestamp() + interval '1 minute' end,
    take_ups = case when $20 then 0 else take_ups end, resend = $21
  where id = $1 and version = $2
  returning *
), event as (
  insert into payout_events
    (payout_id, sequence, from_state, to_state, actor, reason, provider_code, provider_text, submission_id, evidence)
  select id, version, $13, state, $14, reason, $15, $16, $17, $18 from moved
), notices as (
  insert into outbox (event_id, endpoint_id, payout_id, type, object_version, snapshot)
  -- After a restore versions come a second time; the events of the lost time keep their ids.
  select 'evt_' || substr(moved.id, 4) || '_' || moved.version
      || (select case count(*) when 0 then '' else '_r' || count(*) end from restores), endpoint.id, moved.id, $19::text, moved.version,
    jsonb_build_object(
      'state', moved.state, 'reason', moved.reason, 'version', moved.version, 'attempt', moved.attempt,
      'provider_reference', moved.provider_reference,
      'description', moved.description, 'metadata', moved.metadata,
      'settle_by', to_char(moved.settle_by at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'retry_at', to_char(moved.retry_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'updated_at', to_char(moved.updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'finished_at', to_char(moved.finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  from moved join webhook_endpoints endpoint
    on endpoint.merchant_id = moved.merchant_id and endpoint.environment = moved.environment
   and endpoint.disabled_at is null and $19::text = any (endpoint.events)
   and (moved.bulk_id is null or exists (select from bulks where id = moved.bulk_id and notify = 'each'))
)
select ${payoutColumns('moved')} from moved`,
);
