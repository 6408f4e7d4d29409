import type { Bulk } from '../domain/bulk';
import type { BulkState } from '../domain/bulk-state';
import type { Tenant } from '../domain/environment';
import type { Subject } from '../domain/principal';
import { rowToBulk } from './bulk-rows';
import type { BulkRow } from './bulk-rows';
import type { Db } from './pool';

export interface BulkFilter {
  states?: readonly BulkState[] | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
  /** SHA-256 of a content, in hex. */
  contentSha256?: string | undefined;
  /** Bulks that wait for an approval which this person may give: not expired, and sent by another who is not linked to the person. */
  approvableBy?: Extract<Subject, { kind: 'person' }> | undefined;
}

/** A merchant's bulks, newest first; those that come after the bulk `after` in that order where one is named. */
export async function searchBulks(
  db: Db,
  { merchantId, environment }: Tenant,
  { filter, after, limit }: { filter: BulkFilter; after: string | null; limit: number },
): Promise<readonly Bulk[]> {
  const states = filter.approvableBy ? (['awaiting_approval'] as const) : filter.states;
  const { rows } = await db.query<BulkRow>(
    `select bulks.* from bulks
     where merchant_id = $1 and environment = $2 and ${stateCondition(states)}
       and ($4::timestamptz is null or received_at > $4)
       and ($5::timestamptz is null or received_at < $5)
       and ($6::text is null or content_hash = decode($6, 'hex'))
       and ($7::text is null or (sender_of(created_by) <> person_of($7)
         and not are_linked(sender_of(created_by), person_of($7))
         and exists (select from bulk_approvals where bulk_id = bulks.id and expires_at > now())))
       and ($8::text is null or (received_at, id) < (
         select received_at, id from bulks where id = $8 and merchant_id = $1 and environment = $2))
     order by received_at desc, id desc limit $9`,
    [
      ...[merchantId, environment, states ?? null, filter.createdAfter ?? null, filter.createdBefore ?? null],
      ...[filter.contentSha256 ?? null, filter.approvableBy?.personId ?? null, after, limit],
    ],
  );
  return rows.map(rowToBulk);
}

const AT_REST: readonly BulkState[] = ['invalid', 'completed', 'rejected', 'cancelled'];

/** Where no asked state is at rest, with the condition of the index of open bulks. */
function stateCondition(states: readonly BulkState[] | undefined): string {
  const asked = '($3::text[] is null or state = any ($3))';
  return states === undefined || states.some((state) => AT_REST.includes(state))
    ? asked
    : `state not in ('invalid', 'completed', 'rejected', 'cancelled') and ${asked}`;
}
