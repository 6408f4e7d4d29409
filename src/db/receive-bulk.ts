import type { Bulk } from '../domain/bulk';
import type { MethodId } from '../domain/methods';
import type { Actor } from '../domain/principal';
import { moveBulk } from './move-bulk';
import { lockBulk } from './bulk-rows';
import type { Db } from './pool';
import type { Pool } from 'pg';
import { withTransaction } from './transaction';

export type NewBulk = Pick<
  Bulk,
  'id' | 'merchantId' | 'environment' | 'description' | 'metadata' | 'notify' | 'onInvalid' | 'scheduledAt'
>;

/** A checked line on its way in. */
export interface StagedLine {
  /** Counts from 1, as the merchant counts. */
  line: number;
  /** As a spreadsheet counts; null in bodies that are none. */
  row: number | null;
  payoutId: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  method: MethodId;
  /** E.164. */
  msisdn: string;
  /** Null: the bulk's own. */
  description: string | null;
  /** Sealed JSON of the customer, purpose `customer`. */
  customerEnc: Buffer;
  reference: string | null;
  metadata: Record<string, string>;
}

/** Where a line stands for people, and the value in question. */
export interface LinePlace {
  /** As a spreadsheet counts; null in bodies that are none. */
  row?: number | null | undefined;
  reference?: string | null;
  /** Of the field; a phone number is masked. Null where it may not be shown. */
  value?: string | null;
}

/** What is wrong: where, what, and what to change. The message holds no value of the line. */
export interface BulkError extends LinePlace {
  /** Null where it is about the whole. */
  line: number | null;
  field: string | null;
  code: string;
  message: string;
}

export type BulkLineError = BulkError & { line: number };

/** A bulk that is being received; its first event comes with it. */
export async function insertBulk(db: Db, bulk: NewBulk, actor: Actor): Promise<void> {
  await db.query(
    `with opened as (
       insert into bulks (id, merchant_id, environment, state, reason, description, metadata, notify, on_invalid,
         scheduled_at, created_by)
       values ($1, $2, $3, 'receiving', 'coming_in', $4, $5, $6, $7, $8, $9) returning *
     )
     insert into bulk_events (bulk_id, sequence, from_state, to_state, actor, reason)
     select id, version, null, state, created_by, reason from opened`,
    [
      bulk.id,
      bulk.merchantId,
      bulk.environment,
      bulk.description,
      bulk.metadata,
      bulk.notify,
      bulk.onInvalid,
      bulk.scheduledAt,
      actor,
    ],
  );
}

/** Options that came in after the first lines, as a JSON body or a form may have them. */
export async function updateReceivedOptions(db: Db, bulk: NewBulk): Promise<void> {
  await db.query(
    `update bulks set description = $2, metadata = $3, notify = $4, on_invalid = $5, scheduled_at = $6,
       updated_at = clock_timestamp()
     where id = $1 and state = 'receiving'`,
    [bulk.id, bulk.description, bulk.metadata, bulk.notify, bulk.onInvalid, bulk.scheduledAt],
  );
}

/** Stores lines of a bulk that is being received, many in one statement, and says that it is still coming in. */
export async function stageLines(db: Db, bulkId: string, lines: readonly StagedLine[]): Promise<void> {
  await db.query(
    `with alive as (
       update bulks set sweep_after = clock_timestamp() + interval '10 minutes' where id = $1 and state = 'receiving'
     )
     insert into bulk_staging (bulk_id, line, payout_id, amount, currency, method, recipient_msisdn, description,
       customer_enc, reference, metadata, sheet_row)
     select $1, line, payout_id, amount, currency, method, msisdn, description, decode(customer_hex, 'hex'), reference,
       metadata, sheet_row
     from jsonb_to_recordset($2::jsonb) as coming (line integer, payout_id text, amount bigint, currency text,
       method text, msisdn text, description text, customer_hex text, reference text, metadata jsonb, sheet_row integer)`,
    [
      bulkId,
      JSON.stringify(
        lines.map(({ row, payoutId, amount, customerEnc, ...rest }) => ({
          ...rest,
          sheet_row: row,
          payout_id: payoutId,
          amount: amount.toString(),
          customer_hex: customerEnc.toString('hex'),
        })),
      ),
    ],
  );
}

/** Adds to the report of a bulk; `from` is how many stand in it already. */
export async function insertBulkErrors(
  db: Db,
  bulkId: string,
  errors: readonly BulkError[],
  from: number,
): Promise<void> {
  await db.query(
    `insert into bulk_errors (bulk_id, position, line, field, code, message, sheet_row, reference, shown_value)
     select $1, $3 + position, line, field, code, message, sheet_row, reference, shown_value
     from rows from (jsonb_to_recordset($2::jsonb) as (line integer, field text, code text, message text, "row" integer,
         reference text, value text))
       with ordinality as error (line, field, code, message, sheet_row, reference, shown_value, position)`,
    [bulkId, JSON.stringify(errors), from],
  );
}

export type RefusedFor = 'refused_whole' | 'cut_off' | 'dry_run' | 'repeated';

/** Rows that refused uploads of one merchant and environment may leave within 24 hours. */
export const REFUSED_ROWS_PER_DAY = 200_000;

/** Of a refused upload beside its report: its own row and two events. */
const OWN_ROWS = 3;

/**
 * Refuses a bulk whole: its report stays, nothing else of it does. Where the merchant's refused uploads have left
 * `REFUSED_ROWS_PER_DAY` already, nothing of it stays at all.
 * @returns whether the bulk can be read afterwards, its report with it.
 */
export async function refuseBulk(
  pool: Pool,
  bulkId: string,
  { reason, contentHash }: { reason: RefusedFor; contentHash: Buffer | null },
): Promise<boolean> {
  return await withTransaction(pool, async (trx) => {
    const bulk = await lockBulk(trx, bulkId);
    if (bulk.state !== 'receiving') return true;
    await trx.query('delete from bulk_staging where bulk_id = $1', [bulkId]);
    if ((await rowsLeftByRefused(trx, bulk)) >= REFUSED_ROWS_PER_DAY) {
      await trx.query('delete from bulk_errors where bulk_id = $1', [bulkId]);
      await trx.query('delete from bulk_events where bulk_id = $1', [bulkId]);
      await trx.query('delete from bulks where id = $1', [bulkId]);
      return false;
    }
    await trx.query(
      `update bulks set description = null, metadata = '{}', content_hash = coalesce($2, content_hash),
         report_rows = (select count(*) from bulk_errors where bulk_id = $1)
       where id = $1`,
      [bulkId, contentHash],
    );
    await moveBulk(trx, bulk, { to: 'invalid', actor: 'system', reason });
    return true;
  });
}

async function rowsLeftByRefused(db: Db, { merchantId, environment }: Bulk): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    `select coalesce(sum($3::integer + report_rows), 0)::integer as rows from bulks
     where merchant_id = $1 and environment = $2 and state = 'invalid'
       and finished_at > clock_timestamp() - interval '24 hours'`,
    [merchantId, environment, OWN_ROWS],
  );
  return rows[0]?.rows ?? 0;
}

/** Takes lines out again that turned out to be bad. */
export async function unstageLines(db: Db, bulkId: string, lines: readonly number[]): Promise<void> {
  await db.query('delete from bulk_staging where bulk_id = $1 and line = any ($2)', [bulkId, lines]);
}
