import type { BulkError } from './receive-bulk';
import type { Db } from './pool';

/** A page of a bulk's report, in the order in which it was found; `after` is the position of the last one seen. */
export async function listBulkErrors(
  db: Db,
  bulkId: string,
  { after, limit }: { after: number; limit: number },
): Promise<readonly (BulkError & { position: number })[]> {
  const { rows } = await db.query<BulkError & { position: number }>(
    `select position, line, field, code, message from bulk_errors where bulk_id = $1 and position > $2
     order by position limit $3`,
    [bulkId, after, limit],
  );
  return rows;
}

/**
 * Forgets the reports of refused bulks after a day. Goes from one report to the next by its index: bulks whose report is
 * gone cost nothing, however many there are.
 */
export async function forgetOldReports(db: Db): Promise<void> {
  await db.query(
    `with recursive reported (bulk_id) as (
       select min(bulk_id) from bulk_errors
       union all
       select (select min(bulk_id) from bulk_errors where bulk_id > reported.bulk_id)
       from reported where reported.bulk_id is not null
     ), old as materialized (
       select bulks.id from reported join bulks on bulks.id = reported.bulk_id
       where bulks.state = 'invalid' and bulks.finished_at < clock_timestamp() - interval '24 hours'
     )
     delete from bulk_errors using old where bulk_errors.bulk_id = old.id`,
  );
}
