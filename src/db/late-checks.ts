import type { ProviderId } from '../domain/methods';
import type { OperatorCondition } from '../domain/operator-alert';
import type { Payout } from '../domain/payout';
import type { Submission } from '../domain/submission';
import { columnsOf, findPayouts } from './payout-rows';
import type { Db } from './pool';
import { rowToSubmission, SUBMISSION_COLUMNS } from './submissions';
import type { SubmissionRow } from './submissions';

/** A submission that is due to be searched for, though it is refused, returned or paid. */
export interface LateCheck {
  payout: Payout;
  submission: Submission;
  /** A credential of the account that it was sent from; null where none is left, so that nobody can ask. */
  credentialId: string | null;
}

/** What is due of an account at the moment when its round begins. */
export interface LateRound {
  /** PostgreSQL's own text of the moment: what becomes due later is the next round's. */
  startedAt: string;
  checks: readonly LateCheck[];
}

/** Submissions of one round; what is left over is the next one's. */
const MOST_PER_ROUND = 10_000;

/** Two credentials of one account, a primary and a backup, have one round. */
const SAME_ACCOUNT = (one: string, other: string): string =>
  ['merchant_id', 'environment', 'provider', 'account_number']
    .map((column) => `${one}.${column} = ${other}.${column}`)
    .join(' and ');

/**
 * Takes accounts of which a submission is due, each by the first of its credentials, and puts their next round `recheckMs`
 * away: committed before anything is started, as the sweeper's other leases.
 */
export async function claimDueLateChecks(
  db: Db,
  { limit, recheckMs }: { limit: number; recheckMs: number },
): Promise<readonly { credentialId: string; provider: ProviderId }[]> {
  const { rows } = await db.query<{ id: string; provider: ProviderId }>(
    `with account as (
       select min(id) as first, array_agg(id) as ids from credentials
       group by merchant_id, environment, provider, account_number
     ), due as (
       select first from account where exists (
         select from late_checks where credential_id = any (ids) and next_late_check_at <= clock_timestamp())
     )
     update credentials set late_checks_after = clock_timestamp() + $2 * interval '1 millisecond'
     where late_checks_after <= clock_timestamp() and id in (
       select id from credentials join due on due.first = id
       where late_checks_after <= clock_timestamp() order by late_checks_after limit $1 for update of credentials skip locked)
     returning id, provider`,
    [limit, recheckMs],
  );
  return rows.map(({ id, provider }) => ({ credentialId: id, provider }));
}

/** Reads what is due of an account, named by one of its credentials; what was reported to us first. */
export async function readLateRound(db: Db, credentialId: string): Promise<LateRound> {
  const clock = await db.query<{ now: string }>('select clock_timestamp()::text as now');
  const startedAt = clock.rows[0]?.now;
  if (startedAt === undefined) throw new Error('PostgreSQL told no time');
  const { rows } = await db.query<SubmissionRow & { asked_with: string | null }>(
    `select ${columnsOf('submission', SUBMISSION_COLUMNS)}, (
       select min(asked.id) from credentials asked
       where (asked.merchant_id, asked.environment, asked.provider) = (own.merchant_id, own.environment, own.provider)
         and asked.account_number = submission.account_number) as asked_with
     from credentials account
       join credentials own on ${SAME_ACCOUNT('own', 'account')}
       join late_checks late on late.credential_id = own.id
       join submissions submission on submission.id = late.submission_id
     where account.id = $1 and late.next_late_check_at <= $2
     order by late.at_once desc, late.next_late_check_at limit $3`,
    [credentialId, startedAt, MOST_PER_ROUND],
  );
  const found = await findPayouts(db, [...new Set(rows.map(({ payout_id }) => payout_id))]);
  const payouts = new Map(found.map((payout) => [payout.id, payout]));
  const checks = rows.flatMap((row): LateCheck[] => {
    const payout = payouts.get(row.payout_id);
    return payout ? [{ payout, submission: rowToSubmission(row), credentialId: row.asked_with }] : [];
  });
  return { startedAt, checks };
}

/**
 * Records that a complete pass of a round saw all there is of these submissions. A success is done with; the others are
 * once the round began after the end of their time, and before are due again after a quarter of it. Those that became due
 * anew meanwhile stay due. Accounts' submissions become due at the same times, so that one search serves many.
 */
export async function recordLateChecks(
  db: Db,
  { submissionIds, startedAt, windowMs }: { submissionIds: readonly string[]; startedAt: string; windowMs: number },
): Promise<void> {
  await db.query(
    `with checked as (
       select submission_id, since, since + $3 * interval '1 millisecond' as ends_at,
         once or since + $3 * interval '1 millisecond' <= $2 as is_over
       from late_checks where submission_id = any ($1) and since <= $2 and next_late_check_at <= $2
     ), ended as (
       delete from late_checks using checked
       where late_checks.submission_id = checked.submission_id and is_over
     )
     update late_checks set at_once = false, next_late_check_at = interval '5 minutes' + date_bin('5 minutes',
       least($2::timestamptz + greatest(interval '4 minutes', ($2::timestamptz - checked.since) / 4), ends_at), 'epoch')
     from checked where late_checks.submission_id = checked.submission_id and not is_over`,
    [submissionIds, startedAt, windowMs],
  );
}

/**
 * Has every call of a payout searched for in its account's next round, at once: somebody reported what is not known of it.
 */
export async function checkLateAtOnce(db: Db, payoutId: string): Promise<void> {
  await db.query(
    `with asked as (
       insert into late_checks (submission_id, credential_id, once, at_once, next_late_check_at)
       select id, credential_id, true, true, clock_timestamp() from submissions
       where payout_id = $1 and kind = 'call' and outcome is distinct from 'not_sent'
       on conflict (submission_id) do update set at_once = true, next_late_check_at = excluded.next_late_check_at
       returning credential_id
     )
     update credentials set late_checks_after = '-infinity'
     from asked join credentials own on own.id = asked.credential_id where ${SAME_ACCOUNT('own', 'credentials')}`,
    [payoutId],
  );
}

/** Late checks that did not happen within `overdueMs` of their time, by provider; a zero for each that has none. */
export const OVERDUE_LATE_CHECKS = `
select provider as label, count(late.submission_id) as count
from credentials left join lateral (
  select submission_id from late_checks
  where credential_id = credentials.id and next_late_check_at < clock_timestamp() - $1 * interval '1 millisecond'
) late on true group by provider`;

/** The same as conditions that the operator is told of. */
export async function readOverdueLateChecks(db: Db, overdueMs: number): Promise<readonly OperatorCondition[]> {
  const { rows } = await db.query<{ label: string; count: bigint }>(OVERDUE_LATE_CHECKS, [overdueMs]);
  return rows
    .filter(({ count }) => Number(count) > 0)
    .map(({ label }) => ({ kind: 'late_checks.overdue', subject: label, detail: { provider: label } }));
}
