import type { ProviderWords } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { canMove, isFinalState } from '../domain/payout-state';
import type { PayoutState } from '../domain/payout-state';
import type { Actor } from '../domain/principal';
import type { Reason } from '../domain/reasons';
import { webhookEventOf } from '../domain/webhook-event';
import { noticesSql } from './notices-sql';
import { afterMove, movingColumns } from './payout-rows';
import type { MovingRow } from './payout-rows';
import type { Db } from './pool';
import { prepared } from './prepared';
import { manyRows, oneRow, rowValues } from './row-source';

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
  /**
   * The transaction of the submission that decided the move; null where it has none. A new attempt has none whatever stands here.
   */
  providerReference?: string | null;
  watchUntil?: Date;
  /** Allows an unknown payout to be sent once more; every other move takes that back. */
  resend?: boolean;
  /** Who has the payout from here on: a line that its bulk hands over, or takes back. */
  owner?: string;
}

/** Between two turns of a payout that is put back again and again its waits go on growing. */
const KEEPS_DEFERRALS: readonly PayoutState[] = ['queued', 'processing'];

/** Someone else changed the payout since it was read; read it again and decide anew. */
export class StalePayoutError extends Error {
  override readonly name = 'StalePayoutError';
}

export interface PayoutMoving {
  payout: Payout;
  move: PayoutMove;
}

/** What a move writes; times as ISO strings, so that many moves may travel as one JSON value, without what is null. */
export function wantedOf({ payout, move }: PayoutMoving): Readonly<Record<keyof typeof WANTED, unknown>> {
  const changes = payout.state !== move.to;
  if (changes && !canMove(payout.state, move.to)) {
    // As PostgreSQL's guard would say it.
    throw Object.assign(new Error(`payout ${payout.id}: ${payout.state} may not go to ${move.to}`), { code: 'CA003' });
  }
  return {
    id: payout.id,
    version: payout.version,
    state: move.to,
    reason: move.reason,
    attempt: move.attempt ?? payout.attempt,
    hold_no: move.holdNo ?? payout.holdNo,
    settle_by: (move.settleBy === undefined ? payout.settleBy : move.settleBy)?.toISOString(),
    retry_at: move.retryAt?.toISOString(),
    deferrals: move.deferrals ?? (KEEPS_DEFERRALS.includes(move.to) ? payout.deferrals : 0),
    provider_reference: referenceAfter({ payout, move }) ?? undefined,
    is_final: isFinalState(move.to),
    watch_until: move.watchUntil?.toISOString(),
    from_state: payout.state,
    actor: move.actor,
    provider_code: move.words?.code ?? undefined,
    provider_text: move.words?.text ?? undefined,
    submission_id: move.submissionId,
    evidence: move.evidence,
    event_type: changes ? (webhookEventOf(move.to) ?? undefined) : undefined,
    changes,
    resend: move.resend ?? false,
    owner: move.owner ?? payout.owner,
  };
}

/** What is known of an earlier attempt says nothing of the next one. */
function referenceAfter({ payout, move }: PayoutMoving): string | null {
  if (move.attempt !== undefined && move.attempt !== payout.attempt) return null;
  return move.providerReference === undefined ? payout.providerReference : move.providerReference;
}

/** The columns of a relation `wanted`. */
export const WANTED = {
  id: 'text',
  version: 'integer',
  state: 'text',
  reason: 'text',
  attempt: 'integer',
  hold_no: 'integer',
  settle_by: 'timestamptz',
  retry_at: 'timestamptz',
  deferrals: 'integer',
  provider_reference: 'text',
  is_final: 'boolean',
  watch_until: 'timestamptz',
  from_state: 'text',
  actor: 'text',
  provider_code: 'text',
  provider_text: 'text',
  submission_id: 'text',
  evidence: 'text',
  event_type: 'text',
  changes: 'boolean',
  resend: 'boolean',
  owner: 'text',
} as const;

/**
 * Moves a payout to a state: its row (only at the version that was read), its event and an outbox row for each endpoint
 * that wants the event, in one statement. `to` may be the present state, where only its reason, time or owner changes.
 * Throws `StalePayoutError`; PostgreSQL refuses what the guards of migration 0003 forbid.
 */
export async function movePayout(trx: Db, payout: Payout, move: PayoutMove): Promise<Payout> {
  const { rows } = await trx.query<MovingRow>(MOVE_ONE(...rowValues(WANTED, wantedOf({ payout, move }))));
  if (!rows[0]) throw new StalePayoutError(`payout ${payout.id} is no longer at version ${payout.version}`);
  return afterMove(payout, rows[0]);
}

/** The same for many payouts in one statement: all or none. They are returned as they then stand, in their order. */
export async function movePayouts(trx: Db, movings: readonly PayoutMoving[]): Promise<readonly Payout[]> {
  if (movings.length === 0) return [];
  const { rows } = await trx.query<MovingRow>(MOVE_MANY(JSON.stringify(movings.map(wantedOf))));
  if (rows.length !== movings.length) {
    throw new StalePayoutError(
      `${movings.length - rows.length} of ${movings.length} payouts changed since they were read`,
    );
  }
  const moved = new Map(rows.map((row) => [row.id, row]));
  return movings.flatMap(({ payout }) => {
    const row = moved.get(payout.id);
    return row ? [afterMove(payout, row)] : [];
  });
}

/**
 * `moved`, with its event and its outbox rows, made of a relation `wanted`: parts of a `with`. `where`: what else must be true.
 */
export const movedSql = (where = 'true'): string => `
moved as (
  update payouts set
    state = wanted.state, reason = wanted.reason, version = payouts.version + 1, attempt = wanted.attempt,
    hold_no = wanted.hold_no, settle_by = wanted.settle_by, retry_at = wanted.retry_at, deferrals = wanted.deferrals,
    provider_reference = wanted.provider_reference, updated_at = clock_timestamp(), owner = wanted.owner,
    sweep_after = case
      when wanted.is_final then 'infinity'
      when payouts.owner <> wanted.owner then clock_timestamp()
      when payouts.finished_at is not null and wanted.owner = 'payout/' || payouts.id then clock_timestamp()
      else payouts.sweep_after end,
    finished_at = case when wanted.is_final then clock_timestamp() end,
    watch_until = coalesce(wanted.watch_until, payouts.watch_until),
    next_watch_at = case when wanted.watch_until is null then payouts.next_watch_at else clock_timestamp() + interval '1 minute' end,
    take_ups = case when wanted.changes then 0 else payouts.take_ups end, resend = wanted.resend
  from wanted where payouts.id = wanted.id and payouts.version = wanted.version and ${where}
  returning payouts.*, wanted.from_state, wanted.actor, wanted.provider_code, wanted.provider_text,
    wanted.submission_id, wanted.evidence, wanted.event_type
), event as (
  insert into payout_events
    (payout_id, sequence, from_state, to_state, actor, reason, provider_code, provider_text, submission_id, evidence)
  select id, version, from_state, state, actor, reason, provider_code, provider_text, submission_id, evidence from moved
), notices as (${noticesSql('moved')}
)`;

const moveSql = (wanted: string): string => `
with wanted as (${wanted}), ${movedSql()}
select ${movingColumns('moved')} from moved`;

const MOVE_ONE = prepared('move_payout', moveSql(oneRow(WANTED)));

const MOVE_MANY = prepared('move_payouts', moveSql(manyRows(WANTED)));
