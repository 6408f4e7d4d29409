import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import type { Submission } from '../domain/submission';
import type { Db } from './pool';
import { prepared } from './prepared';

/** A submission that a transaction of the provider proves paid. */
export interface Proven {
  submissionId: string;
  payoutId: string;
}

type Claiming = Pick<Submission, 'id' | 'provider' | 'accountNumber'>;

const FIND = prepared(
  'find_proven',
  `select claim.id as "claimId", proven.id as "submissionId", proven.payout_id as "payoutId"
   from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as claim (id, provider, account_number, provider_reference)
     join submissions proven on proven.provider = claim.provider and proven.account_number = claim.account_number
       and proven.provider_reference = claim.provider_reference and proven.outcome = 'settled' and proven.id <> claim.id`,
);

/** Which of some claims of transactions another submission holds already, by the claiming submission's id. */
export async function findHeldProofs(
  db: Db,
  claims: readonly { submission: Claiming; providerReference: string }[],
): Promise<ReadonlyMap<string, Proven>> {
  if (claims.length === 0) return new Map();
  const { rows } = await db.query<Proven & { claimId: string }>(
    FIND(
      claims.map(({ submission }) => submission.id),
      claims.map(({ submission }) => submission.provider),
      claims.map(({ submission }) => submission.accountNumber),
      claims.map(({ providerReference }) => providerReference),
    ),
  );
  return new Map(rows.map(({ claimId, ...proven }) => [claimId, proven]));
}

/** The other submission that the transaction of this outcome proves; null where it names none, or one that is free. */
export async function findHeldProof(db: Db, submission: Claiming, outcome: Outcome): Promise<Proven | null> {
  if (outcome.outcome !== 'settled' || outcome.providerReference === null) return null;
  const { providerReference } = outcome;
  return (await findHeldProofs(db, [{ submission, providerReference }])).get(submission.id) ?? null;
}

/** Names the transaction of a submission that was decided to be paid without one. */
export async function nameProof(trx: Db, submissionId: string, providerReference: string): Promise<void> {
  await trx.query(
    `update submissions set provider_reference = $2
     where id = $1 and outcome = 'settled' and provider_reference is null`,
    [submissionId, providerReference],
  );
}

/**
 * Why operators may not decide that a payout was paid, by this submission and by the transaction that they name, or by the one that
 * is known of it; null where they may.
 */
export async function whyNotPaidBy(
  db: Db,
  payout: Payout,
  paid: Submission | undefined,
  named: string | null,
): Promise<string | null> {
  const known = paid?.providerReference ?? null;
  const providerReference = named ?? known;
  if (providerReference === null) return null;
  if (paid?.outcome === 'settled' && known !== null && known !== providerReference) {
    return `${paid.id} was paid by the transaction ${known}: name that one, or none`;
  }
  const submission = paid ?? (await callToCome(db, payout));
  const held = (await findHeldProofs(db, [{ submission, providerReference }])).get(submission.id);
  if (!held) return null;
  return `the transaction ${providerReference} paid ${held.submissionId} of ${held.payoutId}: name the one that paid this payout`;
}

/** Of a payout that made none: what a call of it would be. */
async function callToCome(db: Db, { id, provider, credentialId }: Payout): Promise<Claiming> {
  const { rows } = await db.query<{ accountNumber: string }>(
    'select account_number as "accountNumber" from credentials where id = $1',
    [credentialId],
  );
  return { id, provider, accountNumber: rows[0]?.accountNumber ?? '' };
}
