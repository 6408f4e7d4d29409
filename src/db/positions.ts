import type { Pool } from 'pg';

import { isProvenUnpaid } from '../domain/outcome';
import type { Outcome, RejectionKind, SubmissionOutcome } from '../domain/outcome';
import { LAST_LOOK } from '../domain/last-look';
import { serializeAmount } from '../domain/money';
import { isFinalState } from '../domain/payout-state';
import type { Position } from '../domain/position';
import { nextStep, stateAfter } from '../domain/resume';
import type { Submission } from '../domain/submission';
import { newId } from './ids';
import { applyOutcome, followOutcome } from './apply-outcome';
import { movePayout } from './move-payout';
import { columnsOf, lockPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { prepared } from './prepared';
import { putInReview } from './put-in-review';
import { insertVoid, listSubmissions } from './submissions';
import { withTransaction } from './transaction';

const STANDING_COLUMNS = [
  'id',
  'merchant_id',
  'environment',
  'method',
  'provider',
  'state',
  'reason',
  'version',
  'attempt',
  'owner',
  'resend',
  'amount',
  'currency',
] as const satisfies readonly (keyof PayoutRow)[];

/** What of a payout's own row says where it stands. */
export type StandingRow = Pick<PayoutRow, (typeof STANDING_COLUMNS)[number]> & {
  time_in_ms: number | null;
  turn_in_ms: number | null;
  settle_in_ms: number | null;
  age_ms: number;
  told_code: string | null;
};

type PositionRow = StandingRow & {
  looked_at_end: boolean | null;
  submission: boolean;
  outcome: SubmissionOutcome;
  rejection: RejectionKind | null;
  overdue_in_ms: number | null;
};

interface PositionSettings {
  sendByMarginMs: number;
  pollAtOnceMs: number;
}

const MS_UNTIL = (time: string): string => `(extract(epoch from ${time} - clock_timestamp()) * 1000)::float8`;

/** The last code that the provider told of the payout, from its submissions. */
const toldCode = (table: string): string => `(
    select told.provider_code from submissions told
    where told.payout_id = ${table}.id and told.provider_code is not null order by told.attempt desc, told.call desc limit 1)`;

/** The columns of a `StandingRow`, of the table or alias of that name. `code`: where the provider's last code is known from. */
export function standingColumns(table: string, code = toldCode(table)): string {
  return `${columnsOf(table, STANDING_COLUMNS)},
  ${MS_UNTIL(`${table}.scheduled_at`)} as time_in_ms, ${MS_UNTIL(`${table}.retry_at`)} as turn_in_ms,
  ${MS_UNTIL(`${table}.settle_by`)} as settle_in_ms, -${MS_UNTIL(`${table}.updated_at`)} as age_ms, ${code} as told_code`;
}

const POSITION = prepared(
  'read_position',
  `
select ${standingColumns('payout')},
  case when payout.settle_by <= clock_timestamp() and payout.state in ('pending', 'unknown') then exists (
    select from submissions call join look_ups on look_ups.submission_id = call.id
    where call.payout_id = payout.id and look_ups.at >= payout.settle_by) end as looked_at_end,
  latest.id is not null as submission, latest.outcome, latest.rejection,
  ${MS_UNTIL("latest.send_by + $2 * interval '1 millisecond'")} as overdue_in_ms
from payouts payout
left join lateral (
  select id, outcome, rejection, send_by from submissions where payout_id = payout.id and attempt = payout.attempt order by call desc limit 1
) latest on true
where payout.id = $1`,
);

/** Where the payout stands and what its run does next, by the database's clock. */
export async function readPosition(db: Db, payoutId: string, settings: PositionSettings): Promise<Position> {
  const { rows } = await db.query<PositionRow>(POSITION(payoutId, settings.sendByMarginMs));
  if (!rows[0]) throw new Error(`payout ${payoutId} does not exist`);
  return positionOf(rows[0], settings);
}

/** The same from the payout's own row as it was just written; null where that alone does not tell. */
export function positionInRow(row: StandingRow, settings: Pick<PositionSettings, 'pollAtOnceMs'>): Position | null {
  if (row.state === 'processing' || (row.settle_in_ms !== null && row.settle_in_ms <= 0)) return null;
  const none = { looked_at_end: null, submission: false, outcome: null, rejection: null, overdue_in_ms: null };
  return positionOf({ ...row, ...none }, settings);
}

function positionOf(row: PositionRow, { pollAtOnceMs }: Pick<PositionSettings, 'pollAtOnceMs'>): Position {
  const latest = row.submission
    ? { outcome: row.outcome, rejection: row.rejection, overdue: (row.overdue_in_ms ?? 0) <= 0 }
    : null;
  // A line of a bulk is its bulk's; a run that finds one leaves it alone whatever its state.
  const step = row.owner.startsWith('bulk/')
    ? 'leave_to_bulk'
    : nextStep(row.state, latest, (row.turn_in_ms ?? 0) <= 0, row.resend);
  const due = { wait_for_time: row.time_in_ms, wait_for_turn: row.turn_in_ms, wait_for_outcome: row.overdue_in_ms };
  return {
    payoutId: row.id,
    merchantId: row.merchant_id,
    environment: row.environment,
    method: row.method,
    provider: row.provider,
    state: row.state,
    reason: row.reason,
    version: row.version,
    attempt: row.attempt,
    step,
    dueInMs: Math.max(0, Math.ceil(due[step as keyof typeof due] ?? 0)),
    settleInMs: settleInMs(row),
    amount: serializeAmount(row.amount),
    currency: row.currency,
    providerCode: row.told_code,
    ...(step === 'poll' ? { askAtOnceMs: Math.max(0, pollAtOnceMs - Math.floor(row.age_ms)) } : {}),
  };
}

/** Once more as long as a last look where the window is over and none was completed since. */
function settleInMs({ settle_in_ms: left, looked_at_end: isLooked }: PositionRow): number | null {
  if (left === null) return null;
  const lastLookIsMissing = isLooked === false && left > -LAST_LOOK.forMs;
  return lastLookIsMissing ? LAST_LOOK.everyMs : Math.max(0, Math.ceil(left));
}

/** After how many take-ups without progress a payout goes to people. */
const MAX_TAKE_UPS = 5;

const TAKE_UP = prepared(
  'take_up_payout',
  `update payouts set run_id = $2, nudged = false, take_ups = take_ups + case when run_id is null then 0 else 1 end
   where id = $1 and run_id is distinct from $2 returning take_ups, ${standingColumns('payouts')}`,
);

/**
 * A run takes the payout up and reads where it stands. A run that continues as new is the same run (`chainId`, the first of
 * its chain); another one counts as a take-up, and five in a row without a change of state go to review, with an alert.
 */
export async function takeUpPayout(
  pool: Pool,
  { payoutId, chainId }: { payoutId: string; chainId: string },
  settings: PositionSettings,
): Promise<{ position: Position; alert: boolean }> {
  const { rows } = await pool.query<StandingRow & { take_ups: number }>(TAKE_UP(payoutId, chainId));
  const row = rows[0];
  const position = async (): Promise<Position> => await readPosition(pool, payoutId, settings);
  if (row && row.take_ups >= MAX_TAKE_UPS) {
    const alert = await giveToPeople(pool, payoutId);
    return { position: await position(), alert };
  }
  return { position: (row && positionInRow(row, settings)) ?? (await position()), alert: false };
}

async function giveToPeople(pool: Pool, payoutId: string): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (isFinalState(payout.state) || payout.state === 'in_review') return false;
    await putInReview(trx, payout, { kind: 'no_progress', detail: null, reason: 'no_progress' });
    return true;
  });
}

/**
 * Called when an attempt's activity has ended, however it did: makes true what can be known without asking anybody.
 * Nothing written → the attempt is voided, so that a late activity's intent fails. A row without an outcome → unknown.
 * Any other outcome of the newest call → applied.
 */
export async function recoverAttempt(
  pool: Pool,
  { payoutId, attempt, backOff, watchMs }: { payoutId: string; attempt: number; backOff: number; watchMs: number },
): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (payout.attempt !== attempt) return;
    const submissions = await listSubmissions(trx, payoutId);
    const latest = submissions.filter((call) => call.attempt === attempt).at(-1);
    if ((payout.state === 'queued' || payout.resend) && !latest) {
      await insertVoid(trx, { id: newId('sub'), payoutId });
      await movePayout(trx, payout, { to: payout.state, actor: 'system', reason: 'not_sent', attempt: attempt + 1 });
      return;
    }
    if (payout.state !== 'processing' || !latest) return;
    const news = { source: 'recovery', sourceId: null, backOffMs: backOff, watchMs } as const;
    if (latest.outcome === null) {
      const outcome = { outcome: 'unknown', reason: 'no_outcome_written', code: null, text: null } as const;
      await applyOutcome(trx, payout, { ...news, submissionId: latest.id, outcome });
      return;
    }
    // An outcome whose payout did not move with it: a refusal that a second call was to cure. The next free call number is
    // closed first, so that a late activity cannot make that call.
    if (isProvenUnpaid(latest.outcome) && stateAfter(latest.outcome, latest.rejection) === 'queued') {
      await insertVoid(trx, { id: newId('sub'), payoutId });
    }
    if (latest.outcome === 'void') return;
    await followOutcome(trx, payout, submissions, latest, outcomeOf(latest), news);
  });
}

function outcomeOf(submission: Submission): Outcome {
  const { providerReference, words } = submission;
  switch (submission.outcome) {
    case 'accepted':
      return { ...words, outcome: 'accepted', providerReference };
    case 'settled':
      return { ...words, outcome: 'settled', providerReference };
    case 'rejected':
      return { ...words, outcome: 'rejected', kind: submission.rejection ?? 'final', remedy: null };
    case 'not_sent':
      return { ...words, outcome: 'not_sent', reason: 'not_sent' };
    case 'unknown':
    case 'void':
    case null:
      return { ...words, outcome: 'unknown', reason: 'no_outcome_written' };
    default:
      return submission.outcome satisfies never;
  }
}

/** A scheduled payout whose time has come waits for its turn. Does nothing where it is elsewhere by now. */
export async function releaseScheduled(pool: Pool, payoutId: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (payout.state !== 'scheduled' || !(await hasCome(trx, payout.scheduledAt))) return;
    await movePayout(trx, payout, { to: 'queued', actor: 'system', reason: 'time_reached' });
  });
}

/** The settlement window ended without a proof: people decide. Does nothing where a proof came in the meantime. */
export async function endSettlementWindow(pool: Pool, payoutId: string): Promise<void> {
  await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    if (payout.state !== 'pending' && payout.state !== 'unknown') return;
    if (!(await hasCome(trx, payout.settleBy))) return;
    await putInReview(trx, payout, {
      kind: 'settlement_window_over',
      detail: null,
      reason: 'settlement_window_over',
    });
  });
}

/** Whether a time is past, by the database's clock: the one that positions are read by, so that no run goes in circles. */
async function hasCome(trx: Db, time: Date | null): Promise<boolean> {
  const { rows } = await trx.query<{ come: boolean }>(
    'select coalesce($1::timestamptz <= clock_timestamp(), true) as come',
    [time],
  );
  return rows[0]?.come ?? false;
}
