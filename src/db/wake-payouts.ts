import type { Reason } from '../domain/reasons';
import type { Db } from './pool';

/**
 * Sets queued payouts due at once, for the sweeper to nudge their runs: after a stop was lifted or a PIN replaced.
 * Bounded by what waits for that reason; returns how many.
 */
export async function wakeQueuedPayouts(
  trx: Db,
  which: { reasons: readonly Reason[]; credentialIds?: readonly string[] },
): Promise<number> {
  const { rowCount } = await trx.query(
    `update payouts set retry_at = clock_timestamp(), nudged = true, sweep_after = clock_timestamp()
     where state = 'queued' and reason = any ($1) and ($2::text[] is null or credential_id = any ($2))`,
    [which.reasons, which.credentialIds ?? null],
  );
  return rowCount ?? 0;
}
