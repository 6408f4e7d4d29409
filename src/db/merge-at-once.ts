import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { planOutcome } from './apply-outcome';
import type { OutcomeNews, PlannedSubmission } from './apply-outcome';
import { isLostProof } from './errors';
import { movedSql, wantedOf, WANTED } from './move-payout';
import { standingColumns } from './positions';
import type { StandingRow } from './positions';
import { prepared } from './prepared';
import { oneRow, rowValues } from './row-source';
import { OUTCOME, outcomeColumns, WRITE_LEARNT } from './submissions';
import { queryAndCommit } from './transaction';

/**
 * The payout's row is locked at the version that was read, before anything else is done: whoever gives an open payout another
 * submission takes a new version. Each part waits for the one that the guards want first: the look-up, the outcome that
 * it proves, the move, the capture. It is the payout's only submission, so that its code is the last one.
 */
const MERGE = prepared(
  'merge_at_once',
  `with wanted as (${oneRow(WANTED)}), learnt as (${oneRow(OUTCOME, WANTED)}), locked as (
  select payouts.id from payouts join wanted on wanted.id = payouts.id and wanted.version = payouts.version
    join learnt on true join submissions on submissions.id = learnt.id and submissions.payout_id = payouts.id
      and submissions.outcome is not distinct from learnt.was
  where not exists (select from submissions other where other.payout_id = payouts.id and other.id <> learnt.id)
  for no key update of payouts
), looked as (
  insert into look_ups (id, payout_id, submission_id, verdict, provider_reference, rows_seen)
  select learnt.source_id, locked.id, learnt.id, learnt.outcome, learnt.provider_reference, 1
  from locked, learnt where learnt.source = 'lookup' returning id
), written as (${WRITE_LEARNT} and exists (select from locked) and (learnt.source <> 'lookup' or exists (select from looked))
  returning submissions.id
), ${movedSql('exists (select from written)')}
select ${standingColumns('moved', 'moved.provider_code')}, case when moved.state = 'succeeded' then capture_hold(moved.id, moved.submission_id) end
from moved`,
);

/**
 * Merges what became known of a payout's submission, both as they were read, in one statement that commits, where that is plain: the provider has
 * taken it, or it is paid, and it is the only one. For news of a look-up, `sourceId` is the id that the look-up is written
 * under. Returns the payout's row as it then stands; null, with nothing written, where it is not plain or where the payout
 * has changed since it was read, or where its transaction proves another submission: to be merged under its lock.
 */
export async function mergeAtOnce(
  pool: Pool,
  { payout, submission }: { payout: Payout; submission: PlannedSubmission },
  news: OutcomeNews,
): Promise<StandingRow | null> {
  const plan = planOutcome(payout, [submission], news);
  if (plan === null || plan === 'no_news') return null;
  const { written, move } = plan;
  if (move.to === payout.state || (move.to !== 'pending' && move.to !== 'succeeded')) return null;
  const merge = MERGE(...rowValues(WANTED, wantedOf({ payout, move })), ...rowValues(OUTCOME, outcomeColumns(written)));
  try {
    const { rows } = await queryAndCommit<StandingRow>(pool, merge);
    return rows[0] ?? null;
  } catch (error) {
    if (isLostProof(error)) return null;
    throw error;
  }
}
