import type { Pool } from 'pg';

import type { Bulk } from '../domain/bulk';
import type { BulkVerdict } from '../domain/bulk-approval';
import { expireApproval, findBulkApproval } from './bulk-approvals';
import { lockBulk } from './bulk-rows';
import { cancelUnstartedLines } from './cancel-bulk-lines';
import { moveBulk } from './move-bulk';
import type { Db } from './pool';
import { reviewLostLines } from './review-lost-lines';
import { goOn } from './start-bulk';
import { withTransaction } from './transaction';

export interface BulkVote {
  bulkId: string;
  verdict: BulkVerdict;
  personId: string;
  keyId: string;
  /** Of the content that the person saw. */
  contentHash: Buffer;
  /** Sealed, purpose `bulk-decision`; a refusal has one. */
  reasonEnc: Buffer | null;
}

export type VoteAnswer =
  | { result: 'done' | 'done_before' | 'wrong_state'; bulk: Bulk }
  | { result: 'own_bulk' | 'other_content' | 'person_not_verified' | 'person_not_independent' | 'sender_unknown' };

/**
 * A person approves or refuses a bulk that somebody else sent, under the lock of its row: the decision and what follows of
 * it are one transaction, and who commits first wins. An approved one starts at once; works with Temporal stopped.
 */
export async function decideBulk(pool: Pool, vote: BulkVote): Promise<VoteAnswer> {
  return await withTransaction(pool, async (trx): Promise<VoteAnswer> => {
    const bulk = await lockBulk(trx, vote.bulkId);
    const refused = await whyNotThisPerson(trx, bulk, vote);
    if (refused) return { result: refused };
    if (bulk.contentHash?.equals(vote.contentHash) !== true) return { result: 'other_content' };
    const decision = (await findBulkApproval(trx, bulk.id))?.decision;
    if (decision?.personId === vote.personId && decision.verdict === vote.verdict) {
      return { result: 'done_before', bulk };
    }
    if (bulk.state !== 'awaiting_approval') return { result: 'wrong_state', bulk };
    const expired = await expireApproval(trx, bulk);
    if (expired) return { result: 'wrong_state', bulk: expired };

    await insertDecision(trx, vote);
    const decided = vote.verdict === 'approved' ? await approve(trx, bulk, vote) : await refuse(trx, bulk, vote);
    // A run that does not hear of it is told by the sweeper.
    await trx.query(
      "update bulks set nudged = true, sweep_after = clock_timestamp() + interval '5 seconds' where id = $1",
      [bulk.id],
    );
    return { result: 'done', bulk: decided };
  });
}

interface Voter {
  is_known: boolean;
  is_sender: boolean;
  is_verified: boolean;
  is_linked: boolean;
}

/** What PostgreSQL would refuse of this person as the other vote beside the sender; it checks again as the vote is written. */
async function whyNotThisPerson(
  trx: Db,
  bulk: Bulk,
  { personId }: BulkVote,
): Promise<'own_bulk' | 'person_not_verified' | 'person_not_independent' | 'sender_unknown' | null> {
  const { rows } = await trx.query<Voter>(
    `select sender is not null as is_known, coalesce(sender = voter, false) as is_sender, is_verified(voter) as is_verified,
       coalesce(are_linked(sender, voter), false) as is_linked
     from (select sender_of($1) as sender, person_of($2) as voter) as asked`,
    [bulk.createdBy, personId],
  );
  const [voter] = rows;
  if (!voter?.is_known) return 'sender_unknown';
  if (voter.is_sender) return 'own_bulk';
  if (!voter.is_verified) return 'person_not_verified';
  return voter.is_linked ? 'person_not_independent' : null;
}

async function insertDecision(trx: Db, vote: BulkVote): Promise<void> {
  await trx.query(
    `insert into bulk_decisions (bulk_id, verdict, person_id, key_id, content_hash, reason_enc)
     values ($1, $2, $3, $4, $5, $6)`,
    [vote.bulkId, vote.verdict, vote.personId, vote.keyId, vote.contentHash, vote.reasonEnc],
  );
}

/** Who approved it is an event of its own; the next one says what it waits for, or that it runs. */
async function approve(trx: Db, bulk: Bulk, { personId }: BulkVote): Promise<Bulk> {
  const actor = `person:${personId}` as const;
  return await goOn(trx, await moveBulk(trx, bulk, { to: 'awaiting_approval', actor, reason: 'approved' }));
}

async function refuse(trx: Db, bulk: Bulk, { personId }: BulkVote): Promise<Bulk> {
  const actor = `person:${personId}` as const;
  const rejected = await moveBulk(trx, bulk, { to: 'rejected', actor, reason: 'approval_refused' });
  await cancelUnstartedLines(trx, bulk.id, 'bulk_rejected');
  await reviewLostLines(trx, bulk.id);
  return rejected;
}
