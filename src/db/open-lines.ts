import type { Bulk } from '../domain/bulk';
import type { BulkState } from '../domain/bulk-state';
import type { Chunk } from '../domain/chunk';
import type { Payout } from '../domain/payout';
import type { PayoutState } from '../domain/payout-state';
import type { Submission } from '../domain/submission';
import { payoutColumns, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { listSubmissionsOf } from './submissions';

/** A line that its bulk owns and that is neither final nor with people. */
export interface OpenLine {
  payout: Payout;
  /** Its calls that are neither proven paid nor proven unpaid are among them; oldest first. */
  submissions: readonly Submission[];
}

const OPEN = `owner = 'bulk/' || bulk_id and state in ('accepted', 'queued', 'processing', 'pending', 'unknown')`;

/** The lines of a range that their bulk still has to carry, in the order of the input. */
export async function listOpenLines(db: Db, { bulkId, from, to }: Chunk): Promise<readonly OpenLine[]> {
  const { rows } = await db.query<PayoutRow>(
    `select ${payoutColumns('payouts')} from payouts
     where bulk_id = $1 and bulk_line between $2 and $3 and ${OPEN} order by bulk_line`,
    [bulkId, from, to],
  );
  const payouts = rows.map(rowToPayout);
  const submissions = await listSubmissionsOf(
    db,
    payouts.map(({ id }) => id),
  );
  return payouts.map((payout) => ({ payout, submissions: submissions.get(payout.id) ?? [] }));
}

/** What a bulk may do with its lines: send them, or only follow those that left. */
const CARRIED: Partial<Record<BulkState, readonly PayoutState[]>> = {
  running: ['accepted', 'queued', 'processing', 'pending', 'unknown'],
  paused: ['processing', 'pending', 'unknown'],
  stopping: ['processing', 'pending', 'unknown'],
};

/** Which chunks of `size` lines have lines to carry, by number from 0, and whether some of them left; the first `limit` of them. */
export async function listOpenChunks(
  db: Db,
  bulk: Pick<Bulk, 'id' | 'state'>,
  { size, limit }: { size: number; limit: number },
): Promise<readonly { number: number; hasLeft: boolean }[]> {
  const states = CARRIED[bulk.state];
  if (!states) return [];
  const { rows } = await db.query<{ number: number; hasLeft: boolean }>(
    `select (bulk_line - 1) / $2::int as number, bool_or(state not in ('accepted', 'queued')) as "hasLeft" from payouts
     where bulk_id = $1 and ${OPEN} and state = any ($4) group by number order by number limit $3`,
    [bulk.id, size, limit, states],
  );
  return rows;
}
