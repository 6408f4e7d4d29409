import type { PayoutState } from '../../domain/payout-state';
import { RARE_STATES } from '../../domain/payout-state';
import type { Db } from '../pool';

/** Rows as operators get them: members by their wire names, amounts in minor units as text. */
type Row = Readonly<Record<string, unknown>>;

export interface OperatorPayoutFilter {
  states: readonly PayoutState[];
  reason?: string | undefined;
  merchantId?: string | undefined;
  bulkId?: string | undefined;
  limit: number;
}

const COLUMNS = `id, merchant_id, environment, state, reason, attempt, amount::text as amount, currency, method, provider,
  bulk_id, reference, provider_reference, updated_at, retry_at, settle_by`;

const MATCHES = `($2::text is null or reason = $2) and ($3::text is null or merchant_id = $3)`;

/** Payouts of all merchants, those first that have been in their state for longest. Lines that a bulk carries: of that bulk alone. */
export async function listPayoutsForOperator(db: Db, filter: OperatorPayoutFilter): Promise<readonly Row[]> {
  const { states, reason = null, merchantId = null, bulkId = null, limit } = filter;
  const from =
    bulkId === null
      ? `select * from payouts where rare_state = any ($5) and ${MATCHES}
         union all select * from payouts where sweep_after < 'infinity' and rare_state is null and state = any ($1) and ${MATCHES}`
      : `select * from payouts where bulk_id = $5 and state = any ($1) and ${MATCHES}`;
  const last = bulkId ?? states.filter((state) => RARE_STATES.includes(state));
  const { rows } = await db.query<Row>(`select ${COLUMNS} from (${from}) found order by updated_at, id limit $4`, [
    states,
    reason,
    merchantId,
    limit,
    last,
  ]);
  return rows;
}

/** One payout with all that is known of its sending; null where there is no such payout. */
export async function readPayoutForOperator(db: Db, payoutId: string): Promise<Row | null> {
  const { rows } = await db.query<Row>(`select ${COLUMNS}, owner, hold_no from payouts where id = $1`, [payoutId]);
  if (!rows[0]) return null;
  const list = async (sql: string): Promise<readonly Row[]> => (await db.query<Row>(sql, [payoutId])).rows;
  return {
    ...rows[0],
    submissions: await list(
      `select id, attempt, call, kind, outcome, rejection, reason, provider_code, provider_text, provider_reference, source,
         created_at, send_by, outcome_at from submissions where payout_id = $1 order by attempt, call`,
    ),
    look_ups: await list(
      `select id, submission_id, verdict, provider_reference, rows_seen, at 
       from look_ups where submission_id in (select id from submissions where payout_id = $1) order by at desc limit 20`,
    ),
    review_items: await list(
      `select id, kind, detail, opened_at, closed_at from review_items where payout_id = $1 order by opened_at`,
    ),
    holds: await list(
      `select owner, hold_no, amount::text as amount, closed_by, closed_at from holds where owner = 'payout/' || $1 order by hold_no`,
    ),
  };
}
