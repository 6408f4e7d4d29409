import type { Outcome, OutcomeSource } from '../domain/outcome';
import type { Submission } from '../domain/submission';
import type { Db } from './pool';
import { prepared } from './prepared';
import { manyRows, oneRow, rowValues } from './row-source';

export interface SubmissionRow {
  id: string;
  payout_id: string;
  attempt: number;
  call: number;
  kind: Submission['kind'];
  provider: Submission['provider'];
  credential_id: string;
  account_number: string;
  amount: bigint;
  currency: string;
  send_by: Date;
  created_at: Date;
  outcome: Submission['outcome'];
  rejection: Submission['rejection'];
  provider_reference: string | null;
  provider_code: string | null;
  provider_text: string | null;
  source: OutcomeSource | null;
  ever_unknown: boolean;
  writer: string | null;
  batch_id: string | null;
}

export function rowToSubmission(row: SubmissionRow): Submission {
  return {
    id: row.id,
    payoutId: row.payout_id,
    attempt: row.attempt,
    call: row.call,
    kind: row.kind,
    provider: row.provider,
    credentialId: row.credential_id,
    accountNumber: row.account_number,
    amount: row.amount,
    currency: row.currency,
    sendBy: row.send_by,
    createdAt: row.created_at,
    outcome: row.outcome,
    rejection: row.rejection,
    providerReference: row.provider_reference,
    words: { code: row.provider_code, text: row.provider_text },
    source: row.source,
    everUnknown: row.ever_unknown,
    writer: row.writer,
    batchId: row.batch_id,
  };
}

/** The columns of a `SubmissionRow`. */
export const SUBMISSION_COLUMNS = [
  'id',
  'payout_id',
  'attempt',
  'call',
  'kind',
  'provider',
  'credential_id',
  'account_number',
  'amount',
  'currency',
  'send_by',
  'created_at',
  'outcome',
  'rejection',
  'provider_reference',
  'provider_code',
  'provider_text',
  'source',
  'ever_unknown',
  'writer',
  'batch_id',
] as const satisfies readonly (keyof SubmissionRow)[];

const COLUMNS = SUBMISSION_COLUMNS.join(', ');

const LIST = prepared(
  'list_submissions',
  `select ${COLUMNS} from submissions where payout_id = $1 order by attempt, call`,
);

const FIND = prepared('find_submission', `select ${COLUMNS} from submissions where id = $1`);

/** All submissions of a payout, oldest first. */
export async function listSubmissions(db: Db, payoutId: string): Promise<readonly Submission[]> {
  const { rows } = await db.query<SubmissionRow>(LIST(payoutId));
  return rows.map(rowToSubmission);
}

const LIST_MANY = prepared(
  'list_submissions_of',
  // Payout by payout, whatever the statistics say: of a table that has just grown they make PostgreSQL read all of it.
  `select ${COLUMNS} from (select distinct wanted from unnest($1::text[]) as wanted) as wanted
     cross join lateral (select * from submissions where payout_id = wanted offset 0) as submission
   order by attempt, call`,
);

/** All submissions of many payouts, by payout, oldest first. */
export async function listSubmissionsOf(
  db: Db,
  payoutIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Submission[]>> {
  const { rows } = await db.query<SubmissionRow>(LIST_MANY(payoutIds));
  const found = new Map<string, Submission[]>(payoutIds.map((id) => [id, []]));
  for (const row of rows) found.get(row.payout_id)?.push(rowToSubmission(row));
  return found;
}

export async function findSubmission(db: Db, submissionId: string): Promise<Submission | null> {
  const { rows } = await db.query<SubmissionRow>(FIND(submissionId));
  return rows[0] ? rowToSubmission(rows[0]) : null;
}

const INSERT = prepared(
  'insert_submission',
  `insert into submissions
       (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number, amount, currency, writer,
        send_by)
     values ($1, $2, $3, $4, $5, 'call', $6, $7, $8, $9, $10, $12, clock_timestamp() + $11 * interval '1 millisecond')
     returning send_by`,
);

/** Writes a submission without an outcome. A duplicate (payout, attempt, call) is refused by its constraint. */
export async function insertSubmission(
  trx: Db,
  submission: Pick<
    Submission,
    | 'id'
    | 'payoutId'
    | 'attempt'
    | 'call'
    | 'provider'
    | 'credentialId'
    | 'accountNumber'
    | 'amount'
    | 'currency'
    | 'writer'
  > & { holdNo: number; sendByMs: number },
): Promise<Date> {
  const { rows } = await trx.query<{ send_by: Date }>(
    INSERT(
      submission.id,
      submission.payoutId,
      submission.attempt,
      submission.call,
      submission.holdNo,
      submission.provider,
      submission.credentialId,
      submission.accountNumber,
      submission.amount,
      submission.currency,
      submission.sendByMs,
      submission.writer,
    ),
  );
  if (!rows[0]) throw new Error('the submission was not written');
  return rows[0].send_by;
}

const INSERT_MANY = prepared(
  'insert_line_calls',
  `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
     amount, currency, writer, batch_id, send_by)
   select call.id, payout.id, payout.attempt, 1, payout.hold_no, 'call', payout.provider, $2, $3, payout.amount,
     payout.currency, $4, $5, clock_timestamp() + $6 * interval '1 millisecond'
   from jsonb_to_recordset($1::jsonb) as call (id text, "payoutId" text)
     join payouts payout on payout.id = call."payoutId"`,
);

export interface LineCall {
  id: string;
  payoutId: string;
}

/**
 * Writes the first call of each line's present attempt, without an outcome. A duplicate (payout, attempt, call) is
 * refused by its constraint.
 */
export async function insertLineCalls(
  trx: Db,
  calls: readonly LineCall[],
  common: { credentialId: string; accountNumber: string; writer: string; sendByMs: number; batchId: string | null },
): Promise<void> {
  const { credentialId, accountNumber, writer, batchId, sendByMs } = common;
  await trx.query(INSERT_MANY(JSON.stringify(calls), credentialId, accountNumber, writer, batchId, sendByMs));
}

/**
 * Proves by a write that an attempt was not sent: takes its next free call number, so that an intent of a late activity
 * runs into the payout's raised attempt. The caller raises the attempt in the same transaction.
 */
export async function insertVoid(trx: Db, submission: { id: string; payoutId: string }): Promise<void> {
  await trx.query(
    `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
       amount, currency, send_by, outcome, reason, source, outcome_at)
     select $1, payout.id, payout.attempt,
       coalesce((select max(call) from submissions where payout_id = payout.id and attempt = payout.attempt), 0) + 1,
       payout.hold_no, 'void', payout.provider, payout.credential_id, credential.account_number,
       payout.amount, payout.currency, clock_timestamp(), 'void', 'proven not sent', 'recovery', clock_timestamp()
     from payouts payout join credentials credential on credential.id = payout.credential_id
     where payout.id = $2`,
    [submission.id, submission.payoutId],
  );
}

export interface WrittenOutcome {
  submission: Pick<Submission, 'id' | 'outcome'>;
  outcome: Outcome;
  source: OutcomeSource;
  sourceId: string | null;
}

/** The columns of a relation `learnt`. */
export const OUTCOME = {
  id: 'text',
  was: 'text',
  outcome: 'text',
  rejection: 'text',
  reason: 'text',
  provider_reference: 'text',
  provider_code: 'text',
  provider_text: 'text',
  source: 'text',
  source_id: 'text',
} as const;

export function outcomeColumns({
  submission,
  outcome,
  source,
  sourceId,
}: WrittenOutcome): Readonly<Record<keyof typeof OUTCOME, unknown>> {
  return {
    id: submission.id,
    was: submission.outcome,
    outcome: outcome.outcome,
    rejection: outcome.outcome === 'rejected' ? outcome.kind : null,
    reason: 'reason' in outcome ? outcome.reason : null,
    provider_reference: 'providerReference' in outcome ? (outcome.providerReference ?? null) : null,
    provider_code: outcome.code,
    provider_text: outcome.text,
    source,
    source_id: sourceId,
  };
}

/** Made of a relation `learnt`. */
export const WRITE_LEARNT = `
update submissions set outcome = learnt.outcome, rejection = learnt.rejection, reason = learnt.reason,
  provider_reference = coalesce(learnt.provider_reference, submissions.provider_reference),
  provider_code = learnt.provider_code, provider_text = learnt.provider_text, source = learnt.source,
  source_id = learnt.source_id
from learnt where submissions.id = learnt.id and submissions.outcome is not distinct from learnt.was`;

const writeSql = (learnt: string): string => `with learnt as (${learnt}) ${WRITE_LEARNT}`;

const WRITE_ONE = prepared('write_outcome', writeSql(oneRow(OUTCOME)));

// By their ids beside the join: how many rows the JSON has is guessed, and PostgreSQL read the whole table instead.
const WRITE_MANY = prepared('write_outcomes', `${writeSql(manyRows(OUTCOME))} and submissions.id = any ($2)`);

/**
 * Writes an outcome over the one that was read (compare-and-set). False where another writer was first.
 * Every change is kept in `submission_outcomes` by the guard.
 */
export async function writeOutcome(
  trx: Db,
  submission: Submission,
  outcome: Outcome,
  source: { source: OutcomeSource; sourceId: string | null },
): Promise<boolean> {
  const { rowCount } = await trx.query(
    WRITE_ONE(...rowValues(OUTCOME, outcomeColumns({ submission, outcome, ...source }))),
  );
  return rowCount === 1;
}

/** The same for many in one statement. Returns how many were written; fewer where another writer was first. */
export async function writeOutcomes(trx: Db, outcomes: readonly WrittenOutcome[]): Promise<number> {
  if (outcomes.length === 0) return 0;
  const ids = outcomes.map(({ submission }) => submission.id);
  const { rowCount } = await trx.query(WRITE_MANY(JSON.stringify(outcomes.map(outcomeColumns)), ids));
  return rowCount ?? 0;
}
