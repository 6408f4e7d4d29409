import type { BulkReason, BulkState } from '../domain/bulk-state';
import type { Actor } from '../domain/principal';
import type { Db } from './pool';

/** One change of a bulk's own state. */
export interface BulkTransition {
  /** The bulk's version by it. */
  version: number;
  from: BulkState | null;
  to: BulkState;
  at: Date;
  actor: Actor;
  reason: BulkReason;
  detail: string | null;
}

/** Those above one version and up to another, oldest first. */
export async function listBulkTransitions(
  db: Db,
  bulkId: string,
  { above, upTo }: { above: number; upTo: number },
): Promise<readonly BulkTransition[]> {
  const { rows } = await db.query<BulkTransition>(
    `select sequence as version, from_state as "from", to_state as "to", at, actor, reason, detail
     from bulk_events where bulk_id = $1 and sequence > $2 and sequence <= $3 order by sequence`,
    [bulkId, above, upTo],
  );
  return rows;
}
