import type { Verdict } from '../domain/look-up';
import { newId } from './ids';
import type { Db } from './pool';
import { prepared } from './prepared';

export interface WrittenLookUp {
  payoutId: string;
  submissionId: string;
  verdict: Verdict['verdict'];
  providerReference: string | null;
  rowsSeen: number;
}

const INSERT = prepared(
  'insert_look_up',
  `insert into look_ups (id, payout_id, submission_id, verdict, provider_reference, rows_seen)
     values ($1, $2, $3, $4, $5, $6)`,
);

const INSERT_MANY = prepared(
  'insert_look_ups',
  `insert into look_ups (id, payout_id, submission_id, verdict, provider_reference, rows_seen)
     select id, "payoutId", "submissionId", verdict, "providerReference", "rowsSeen"
     from jsonb_to_recordset($1::jsonb) as look_up
       (id text, "payoutId" text, "submissionId" text, verdict text, "providerReference" text, "rowsSeen" integer)`,
);

/** Writes down what one complete look-up said of a submission; its id is the evidence of what follows from it. */
export async function insertLookUp(trx: Db, lookUp: WrittenLookUp): Promise<string> {
  const id = newId('lu');
  await trx.query(
    INSERT(id, lookUp.payoutId, lookUp.submissionId, lookUp.verdict, lookUp.providerReference, lookUp.rowsSeen),
  );
  return id;
}

/** The same for many in one statement; their ids in the order of the look-ups. */
export async function insertLookUps(trx: Db, lookUps: readonly WrittenLookUp[]): Promise<readonly string[]> {
  const rows = lookUps.map((lookUp) => ({ id: newId('lu'), ...lookUp }));
  await trx.query(INSERT_MANY(JSON.stringify(rows)));
  return rows.map(({ id }) => id);
}
