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

/** Forgets the reports of refused bulks after a day. */
export async function forgetOldReports(db: Db): Promise<void> {
  await db.query(
    `delete from bulk_errors using bulks where bulks.id = bulk_id and bulks.state = 'invalid'
       and bulks.finished_at < clock_timestamp() - interval '24 hours'`,
  );
}
