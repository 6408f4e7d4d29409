import type { Verdict } from '../domain/look-up';
import { newId } from './ids';
import type { Db } from './pool';
import { prepared } from './prepared';

const INSERT = prepared(
  'insert_look_up',
  `insert into look_ups (id, payout_id, submission_id, verdict, provider_reference, rows_seen)
     values ($1, $2, $3, $4, $5, $6)`,
);

/** Writes down what one complete look-up said of a submission; its id is the evidence of what follows from it. */
export async function insertLookUp(
  trx: Db,
  lookUp: {
    payoutId: string;
    submissionId: string;
    verdict: Verdict['verdict'];
    providerReference: string | null;
    rowsSeen: number;
  },
): Promise<string> {
  const id = newId('lu');
  await trx.query(
    INSERT(id, lookUp.payoutId, lookUp.submissionId, lookUp.verdict, lookUp.providerReference, lookUp.rowsSeen),
  );
  return id;
}
