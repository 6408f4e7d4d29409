import { newId } from '../../src/db/ids';
import type { Db } from '../../src/db/pool';

/**
 * Writes a bulk that runs and holds its amount, with one submission for each line, all in one state without the way there.
 * In the caller's transaction; the merchant has the float. Returns its id.
 */
export async function standBulk(
  trx: Db,
  { merchantId, lines, state, outcome }: { merchantId: string; lines: number; state: string; outcome: string },
): Promise<string> {
  const id = newId('bulk');
  // Rows of any state: no trigger or foreign key looks at them.
  await trx.query('set local session_replication_role = replica');
  await trx.query(
    `insert into bulks (id, merchant_id, environment, state, reason, currency, line_count, total, created_by)
     values ($1, $2, 'sandbox', 'running', 'test', 'XOF', $3, $3 * 1000, 'test')`,
    [id, merchantId, lines],
  );
  await trx.query(
    `insert into payouts (id, merchant_id, environment, owner, bulk_id, bulk_line, state, amount, currency, method,
       provider, credential_id, description, customer_enc, reason, sweep_after, created_by)
     select $1 || '-' || line, $2, 'sandbox', 'bulk/' || $1, $1, line, $4, 1000, 'XOF', 'orange_sn',
       'orange', 'cred', 'test', '\\x00', 'test', 'infinity', 'test'
     from generate_series(1, $3::integer) as line`,
    [id, merchantId, lines, state],
  );
  await trx.query(
    `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
       amount, currency, send_by, outcome, rejection)
     select 'sub-' || id, id, 1, 1, 1, 'call', 'orange', 'cred', '0', amount, currency, now(), $2,
       case $2 when 'rejected' then 'final' end
     from payouts where bulk_id = $1`,
    [id, outcome],
  );
  await trx.query('set local session_replication_role = origin');
  await trx.query('select open_bulk_hold($1)', [id]);
  return id;
}
