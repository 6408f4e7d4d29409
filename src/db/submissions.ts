import type { Outcome, OutcomeSource } from '../domain/outcome';
import type { Submission } from '../domain/submission';
import type { Db } from './pool';
import { prepared } from './prepared';

interface SubmissionRow {
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
  source: OutcomeSource | null;
  ever_unknown: boolean;
  writer: string | null;
}

function rowToSubmission(row: SubmissionRow): Submission {
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
    source: row.source,
    everUnknown: row.ever_unknown,
    writer: row.writer,
  };
}

const COLUMNS =
  'id, payout_id, attempt, call, kind, provider, credential_id, account_number, amount, currency, send_by, created_at, outcome, rejection, provider_reference, source, ever_unknown, writer';

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

const WRITE_OUTCOME = prepared(
  'write_outcome',
  `update submissions set outcome = $3, rejection = $4, reason = $5, provider_reference = coalesce($6, provider_reference),
       provider_code = $7, provider_text = $8, source = $9, source_id = $10
     where id = $1 and outcome is not distinct from $2`,
);

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
    WRITE_OUTCOME(
      submission.id,
      submission.outcome,
      outcome.outcome,
      outcome.outcome === 'rejected' ? outcome.kind : null,
      'reason' in outcome ? outcome.reason : null,
      'providerReference' in outcome ? (outcome.providerReference ?? null) : null,
      outcome.code,
      outcome.text,
      source.source,
      source.sourceId,
    ),
  );
  return rowCount === 1;
}
