import type { Reason } from '../domain/reasons';
import type { Db } from './pool';

/**
 * Sets queued payouts due at once, for the sweeper to nudge their runs: after a stop was lifted or a PIN replaced. Bounded by
 * what waits for that reason; returns how many. Running bulks are nudged too: lines that did not leave yet show no reason.
 */
export async function wakeQueuedPayouts(
  trx: Db,
  which: { reasons: readonly Reason[]; credentialIds?: readonly string[] },
): Promise<number> {
  // Bulks before payouts, in the order of every intent.
  await trx.query(
    `update bulks set nudged = true, sweep_after = clock_timestamp()
     where id in (select id from bulks where state = 'running' order by id for no key update)`,
  );
  const { rowCount } = await trx.query(
    `update payouts set retry_at = clock_timestamp(), nudged = true,
       sweep_after = case when owner = 'payout/' || id then clock_timestamp() else sweep_after end
     where state = 'queued' and reason = any ($1) and ($2::text[] is null or credential_id = any ($2))
       and id in (
         select id from payouts where sweep_after < 'infinity' and ($2::text[] is null or credential_id = any ($2))
         union all
         select line.id from bulks join payouts line on line.bulk_id = bulks.id where bulks.state in ('running', 'paused'))`,
    [which.reasons, which.credentialIds ?? null],
  );
  return rowCount ?? 0;
}
