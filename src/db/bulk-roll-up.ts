import type { PayoutState } from '../domain/payout-state';
import type { Db } from './pool';

/** Lines of a bulk in one state. */
export interface LinesInState {
  lines: number;
  /** Minor units. */
  amount: bigint;
}

export type BulkRollUp = Partial<Record<PayoutState, LinesInState>>;

/** Of the bulk of parameter 1. */
export const ROLL_UP = `
  select state, sum(lines)::integer as lines, sum(amount)::bigint as amount from (
    select state, lines, amount from bulk_counts where bulk_id = $1
    union all select from_state, -1, -amount from bulk_moves where bulk_id = $1
    union all select to_state, 1, amount from bulk_moves where bulk_id = $1
  ) change group by state having sum(lines) <> 0 order by state`;

/** The lines of a bulk by state, from what was counted last and the moves since; never from the lines themselves. */
export async function readBulkRollUp(db: Db, bulkId: string): Promise<BulkRollUp> {
  const { rows } = await db.query<{ state: PayoutState; lines: number; amount: bigint }>(ROLL_UP, [bulkId]);
  return Object.fromEntries(rows.map(({ state, lines, amount }) => [state, { lines, amount }]));
}

/** Folds the moves into the counts, so that reading the roll-up stays cheap. Any number of callers at once. */
export async function foldBulkMoves(db: Db, bulkId: string): Promise<void> {
  await db.query('select fold_bulk_moves($1)', [bulkId]);
}
