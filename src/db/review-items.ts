import type { ReviewKind } from '../domain/review';
import { newId } from './ids';
import type { Db } from './pool';

/** Opens a question for people, once while it is open. Returns its id, or null where the same one is open already. */
export async function openReviewItem(
  trx: Db,
  item: { payoutId: string; kind: ReviewKind; detail: string | null },
): Promise<string | null> {
  const { rows } = await trx.query<{ id: string }>(
    `insert into review_items (id, payout_id, kind, detail) values ($1, $2, $3, $4)
     on conflict (payout_id, kind) where closed_at is null do nothing returning id`,
    [newId('rev'), item.payoutId, item.kind, item.detail],
  );
  return rows[0]?.id ?? null;
}

/** True where operators closed a question of this kind with this very detail. */
export async function wasAnswered(
  db: Db,
  { payoutId, kind, detail }: { payoutId: string; kind: ReviewKind; detail: string | null },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from review_items
     where payout_id = $1 and kind = $2 and detail is not distinct from $3 and closed_at is not null limit 1`,
    [payoutId, kind, detail],
  );
  return rowCount === 1;
}

export async function closeReviewItems(trx: Db, payoutId: string, decisionId: string): Promise<void> {
  await trx.query(
    'update review_items set closed_at = clock_timestamp(), decision_id = $2 where payout_id = $1 and closed_at is null',
    [payoutId, decisionId],
  );
}

export async function hasOpenReviewItem(db: Db, payoutId: string): Promise<boolean> {
  const { rows } = await db.query<{ open: boolean }>(
    'select exists (select 1 from review_items where payout_id = $1 and closed_at is null) as open',
    [payoutId],
  );
  return rows[0]?.open ?? false;
}
