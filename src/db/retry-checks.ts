import type { Payout } from '../domain/payout';
import type { Db } from './pool';

/** May a failed payout be sent again? Only `clear` says yes. */
export type RetryVerdict = 'clear' | 'paid' | 'unsure';

/** Writes what the look-ups of every earlier reference of a payout gave, as it stood when they began. */
export async function insertRetryCheck(
  db: Db,
  { id, version }: Pick<Payout, 'id' | 'version'>,
  verdict: RetryVerdict,
): Promise<void> {
  await db.query('insert into retry_checks (payout_id, payout_version, verdict) values ($1, $2, $3)', [
    id,
    version,
    verdict,
  ]);
}

/** The newest check of a payout, by its number; 0 where there is none. */
export async function lastRetryCheck(db: Db, payoutId: string): Promise<bigint> {
  const { rows } = await db.query<{ id: bigint }>(
    'select coalesce(max(id), 0)::bigint as id from retry_checks where payout_id = $1',
    [payoutId],
  );
  return rows[0]?.id ?? 0n;
}

/** The verdict of a check of the payout, as it stands, that ended after another one; null where there is none. */
export async function findRetryVerdict(
  db: Db,
  { id, version }: Pick<Payout, 'id' | 'version'>,
  after: bigint,
): Promise<RetryVerdict | null> {
  const { rows } = await db.query<{ verdict: RetryVerdict }>(
    `select verdict from retry_checks where payout_id = $1 and payout_version = $2 and id > $3 order by id desc limit 1`,
    [id, version, after],
  );
  return rows[0]?.verdict ?? null;
}
