import type { PayoutState } from '../../domain/payout-state';
import type { Db } from '../pool';

/** Payouts that are not final, in one state for one reason; lines that a bulk carries itself have the reason `line_of_bulk`. */
export interface OpenPayouts {
  state: PayoutState;
  reason: string;
  count: number;
  /** When the one that has been so for longest came to it; of a bulk's lines, when the bulk started. */
  since: Date | null;
}

/**
 * All payouts that are not final and not before their bulk's start. Read from the indexes of rare and of open payouts and from
 * the counts of bulks, never from the table: it is asked for by every scrape.
 */
export async function countOpenPayouts(db: Db, timeoutMs?: number): Promise<readonly OpenPayouts[]> {
  // Of one statement node-postgres knows the limit, its types do not.
  const { rows } = await db.query<OpenPayouts>({ text: COUNT, ...(timeoutMs ? { query_timeout: timeoutMs } : {}) });
  return rows;
}

const COUNT = `
select state, reason, count(*)::integer as count, min(updated_at) as since from (
  select state, reason, updated_at from payouts where rare_state in ('scheduled', 'unknown', 'in_review')
  union all
  select payouts.state, payouts.reason, payouts.updated_at from payouts left join bulks on bulks.id = payouts.bulk_id
  where payouts.sweep_after < 'infinity' and payouts.rare_state is null
    -- A bulk that is not at rest counts its lines itself, whoever owns them.
    and (payouts.bulk_id is null or bulks.state in ('completed', 'rejected', 'cancelled'))
) own group by 1, 2
union all
select line.state, 'line_of_bulk', sum(line.lines)::integer, min(bulks.started_at)
from bulks cross join lateral (
  select state, sum(lines) as lines from (
    select state, lines from bulk_counts where bulk_id = bulks.id
    union all select from_state, -1 from bulk_moves where bulk_id = bulks.id
    union all select to_state, 1 from bulk_moves where bulk_id = bulks.id
  ) change group by state
) line
where bulks.state not in ('invalid', 'completed', 'rejected', 'cancelled')
  and line.state in ('queued', 'processing', 'pending') and line.lines > 0
group by 1, 2 order by 1, 2`;
