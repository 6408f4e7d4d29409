import type { BulkState } from '../../domain/bulk-state';
import type { Db } from '../pool';

type Row = Readonly<Record<string, unknown>>;

const COLUMNS = `id, merchant_id, environment, state, reason, line_count as lines, total::text as total, currency, created_by,
  received_at, started_at, updated_at`;

const PROGRESS = `(select coalesce(jsonb_object_agg(state, lines), '{}') from (
    select state, sum(lines)::integer as lines from (
      select state, lines from bulk_counts where bulk_id = bulks.id
      union all select from_state, -1 from bulk_moves where bulk_id = bulks.id
      union all select to_state, 1 from bulk_moves where bulk_id = bulks.id
    ) change group by state having sum(lines) <> 0) line) as progress`;

/** Bulks of all merchants, the oldest first. */
export async function listBulksForOperator(
  db: Db,
  filter: { states: readonly BulkState[]; merchantId?: string | undefined; limit: number },
): Promise<readonly Row[]> {
  const { rows } = await db.query<Row>(
    `select ${COLUMNS}, ${PROGRESS}, (select expires_at from bulk_approvals where bulk_id = id) as approval_expires_at
     from bulks where state = any ($1) and ($2::text is null or merchant_id = $2) order by received_at, id limit $3`,
    [filter.states, filter.merchantId ?? null, filter.limit],
  );
  return rows;
}

/** One bulk with why its lines are where they are; null where there is no such bulk. */
export async function readBulkForOperator(db: Db, bulkId: string): Promise<Row | null> {
  const { rows } = await db.query<Row>(`select ${COLUMNS}, ${PROGRESS} from bulks where id = $1`, [bulkId]);
  if (!rows[0]) return null;
  const list = async (sql: string): Promise<readonly Row[]> => (await db.query<Row>(sql, [bulkId])).rows;
  return {
    ...rows[0],
    groups: await list(
      `select state, reason, owner = 'bulk/' || bulk_id as by_the_bulk, count(*)::integer as lines, sum(amount)::text as amount,
         min(updated_at) as oldest, min(retry_at) as next_try, min(settle_by) as settle_by
       from payouts where bulk_id = $1 group by 1, 2, 3 order by 4 desc`,
    ),
    rejections: await list(
      `select rejection, provider_code, count(*)::integer as lines
       from submissions join payouts on payouts.id = payout_id
       where bulk_id = $1 and outcome = 'rejected' group by 1, 2 order by 3 desc`,
    ),
    batches: await list(
      `select id, outcome, reason, provider_code, lines, batch_reference is not null as named,
         hinted_reference is not null as hinted, called_back_at, created_at, send_by
       from bulk_batches where bulk_id = $1 order by created_at desc limit 100`,
    ),
    look_ups: await list(
      `select verdict, count(*)::integer as count, max(look_ups.at) as last
       from payouts join submissions on submissions.payout_id = payouts.id join look_ups on submission_id = submissions.id
       where bulk_id = $1 group by 1 order by 1`,
    ),
    holds: await list(
      `select owner, hold_no, amount::text as amount, handed_over::text as detached, released::text as released, closed_by, closed_at
       from holds where owner = 'bulk/' || $1 order by hold_no`,
    ),
  };
}
