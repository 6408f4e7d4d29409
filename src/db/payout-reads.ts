import type { Payout } from '../domain/payout';
import type { Submission } from '../domain/submission';
import { CREDENTIAL_COLUMNS, rowToCredential } from './credentials';
import type { Credential, CredentialRow, KeyedCredential } from './credentials';
import { joinedColumns, joinedRow } from './joined-rows';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { prepared } from './prepared';
import { PIN_KEY_COLUMNS, PIN_KEY_JOIN, rowToPinKey } from './provider-keys';
import type { PinKeyRow } from './provider-keys';
import { rowToSubmission, SUBMISSION_COLUMNS } from './submissions';
import type { SubmissionRow } from './submissions';

type JoinedRow = PayoutRow & Record<string, unknown>;

const TO_SEND = prepared(
  'find_payout_to_send',
  `select ${payoutColumns('payouts')}, ${joinedColumns('credential', CREDENTIAL_COLUMNS)}, ${PIN_KEY_COLUMNS}
   from payouts join credentials credential on credential.id = payouts.credential_id ${PIN_KEY_JOIN}
   where payouts.id = $1`,
);

/** The payout and the credential that its next call is made with. */
export async function findPayoutToSend(
  db: Db,
  payoutId: string,
): Promise<{ payout: Payout; credential: KeyedCredential } | null> {
  const { rows } = await db.query<JoinedRow & PinKeyRow>(TO_SEND(payoutId));
  if (!rows[0]) return null;
  const credential = joinedRow<CredentialRow>(rows[0], 'credential', CREDENTIAL_COLUMNS);
  return {
    payout: rowToPayout(rows[0]),
    credential: { ...rowToCredential(credential), pinKey: rowToPinKey(rows[0]) },
  };
}

/** A payout that the provider is asked about, at one moment. */
export interface AskedPayout {
  payout: Payout;
  /** All its submissions, oldest first, each with the credential that it was written for. */
  calls: readonly { submission: Submission; credential: Credential }[];
}

const ASKED = prepared(
  'find_asked_payout',
  `select ${payoutColumns('payouts')}, ${joinedColumns('submission', SUBMISSION_COLUMNS)},
     ${joinedColumns('credential', CREDENTIAL_COLUMNS)}
   from payouts left join submissions submission on submission.payout_id = payouts.id
     left join credentials credential on credential.id = submission.credential_id
   where payouts.id = $1 order by submission.attempt, submission.call`,
);

export async function findAskedPayout(db: Db, payoutId: string): Promise<AskedPayout | null> {
  const { rows } = await db.query<JoinedRow>(ASKED(payoutId));
  if (!rows[0]) return null;
  const calls = rows
    .filter(({ submission_id: id }) => id !== null)
    .map((row) => ({
      submission: rowToSubmission(joinedRow<SubmissionRow>(row, 'submission', SUBMISSION_COLUMNS)),
      credential: rowToCredential(joinedRow<CredentialRow>(row, 'credential', CREDENTIAL_COLUMNS)),
    }));
  return { payout: rowToPayout(rows[0]), calls };
}
