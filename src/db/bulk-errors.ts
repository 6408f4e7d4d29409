import type { BulkError } from './receive-bulk';
import type { Db } from './pool';

/** A page of a bulk's report, in the order in which it was found; `after` is the position of the last one seen. */
export async function listBulkErrors(
  db: Db,
  bulkId: string,
  { after, limit }: { after: number; limit: number },
): Promise<readonly (BulkError & { position: number })[]> {
  const { rows } = await db.query<BulkError & { position: number }>(
    `select position, line, field, code, message, sheet_row as row, reference, shown_value as value from bulk_errors
     where bulk_id = $1 and position > $2
     order by position limit $3`,
    [bulkId, after, limit],
  );
  return rows;
}

/** Rows of a report that one statement deletes: milliseconds, so that no time limit ends it, however much is due. */
const FORGET_BATCH = 5_000;

/**
 * Forgets a batch of the oldest report of a refused bulk that is a day old; two that forget at once take two reports.
 * @returns false where no report is due.
 */
export async function forgetOldReport(db: Db): Promise<boolean> {
  const { rowCount } = await db.query(
    `with old as (
       select id from bulks
       where state = 'invalid' and report_rows > 0 and finished_at < clock_timestamp() - interval '24 hours'
       order by finished_at limit 1 for update skip locked
     ), batch as (
       select bulk_id, position from bulk_errors where bulk_id = (select id from old) order by position limit $1
     ), forgotten as (
       delete from bulk_errors using batch
       where bulk_errors.bulk_id = batch.bulk_id and bulk_errors.position = batch.position
     )
     update bulks set report_rows = case when (select count(*) from batch) < $1 then 0 else report_rows end
     from old where bulks.id = old.id`,
    [FORGET_BATCH],
  );
  return rowCount === 1;
}
