import type { Bulk } from '../domain/bulk';
import { LINE_RESTS } from '../domain/bulk';
import type { BulkSample } from '../domain/bulk-pace';
import type { PayoutState } from '../domain/payout-state';
import { ROLL_UP } from './bulk-roll-up';
import type { BulkRollUp } from './bulk-roll-up';
import { rowToBulk } from './bulk-rows';
import type { BulkRow } from './bulk-rows';
import type { Db } from './pool';

/** A bulk and how far it is, of one moment. */
export interface BulkStanding {
  bulk: Bulk;
  rollUp: BulkRollUp;
  /** What its pace is told from: of a minute ago, or the first since it runs; null where there is none. */
  sample: BulkSample | null;
  /** Minor units that the available float lacks for the whole, never negative; null where the bulk waits for none. */
  missing: bigint | null;
}

interface StandingRow extends BulkRow {
  roll_up: Partial<Record<PayoutState, { lines: number; amount: string }>>;
  sample_resting: number | null;
  sample_age: number | null;
  missing: bigint | null;
}

/** Where a bulk stands, in one statement. Whose it is, the caller has looked at. */
export async function readBulkStanding(db: Db, bulkId: string): Promise<BulkStanding> {
  const { rows } = await db.query<StandingRow>(STANDING, [bulkId, LINE_RESTS]);
  const [row] = rows;
  if (!row) throw new Error(`bulk ${bulkId} does not exist`);
  const rollUp = Object.entries(row.roll_up).map(([state, { lines, amount }]) => [
    state,
    { lines, amount: BigInt(amount) },
  ]);
  return {
    bulk: rowToBulk(row),
    rollUp: Object.fromEntries(rollUp) as BulkRollUp,
    sample:
      row.sample_resting === null || row.sample_age === null
        ? null
        : { resting: row.sample_resting, age: row.sample_age },
    missing: row.missing,
  };
}

// A sample that shows more lines at rest than there are now was made before lines were taken up again.
const STANDING = `
with roll_up as materialized (${ROLL_UP})
select bulks.*,
  (select coalesce(jsonb_object_agg(state, jsonb_build_object('lines', lines, 'amount', amount::text)), '{}')
   from roll_up) as roll_up,
  sample.resting as sample_resting,
  (extract(epoch from clock_timestamp() - sample.at) * 1000)::float8 as sample_age,
  case when bulks.state = 'awaiting_float' then greatest(0, bulks.total - (
    select coalesce(sum(balance), 0) from ledger_accounts
    where merchant_id = bulks.merchant_id and environment = bulks.environment and currency = bulks.currency
      and kind = 'available'))::bigint end as missing
from bulks left join lateral (
  select at, resting from (
    select at, resting, at > clock_timestamp() - interval '1 minute' as recent, extract(epoch from at) as second
    from bulk_samples where bulk_id = $1
      and resting <= (select coalesce(sum(lines), 0) from roll_up where state = any ($2))
  ) taken order by recent, case when recent then second else -second end limit 1
) sample on true
where bulks.id = $1`;
