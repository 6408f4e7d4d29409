import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import type { Actor } from '../domain/principal';
import { isCancellable } from './cancel-payout';
import { StalePayoutError } from './move-payout';
import { lockPayout, rowToPayout } from './payout-rows';
import type { PayoutRow } from './payout-rows';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** What a merchant may still change of a payout that was not sent; what is left out stays. */
export interface PayoutPatch {
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  scheduledAt?: Date | undefined;
}

export interface PatchAnswer {
  /** `refused`: it can no longer be cancelled, or a new time was given to one that is not scheduled. */
  result: 'changed' | 'unchanged' | 'refused';
  payout: Payout;
}

/** Changes a payout's details, with one event; its state, its reason and its hold stay. */
export async function patchPayout(
  pool: Pool,
  { payoutId, actor, patch }: { payoutId: string; actor: Actor; patch: PayoutPatch },
): Promise<PatchAnswer> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, payoutId);
    const isAllowed = patch.scheduledAt === undefined ? await isCancellable(trx, payout) : payout.state === 'scheduled';
    if (!isAllowed) return { result: 'refused', payout };
    if (isSame(payout, patch)) return { result: 'unchanged', payout };
    return { result: 'changed', payout: await writeDetails(trx, payout, patch, actor) };
  });
}

function isSame(payout: Payout, { description, metadata, scheduledAt }: PayoutPatch): boolean {
  return (
    (description === undefined || description === payout.description) &&
    (scheduledAt === undefined || scheduledAt.getTime() === payout.scheduledAt?.getTime()) &&
    (metadata === undefined ||
      (Object.keys(metadata).length === Object.keys(payout.metadata).length &&
        Object.entries(metadata).every(([key, value]) => payout.metadata[key] === value)))
  );
}

/** A run that does not hear of a new time is told by the sweeper. */
async function writeDetails(trx: Db, payout: Payout, patch: PayoutPatch, actor: Actor): Promise<Payout> {
  const { rows } = await trx.query<PayoutRow>(
    `with changed as (
       update payouts set description = $3, metadata = $4, scheduled_at = $5, version = version + 1,
         updated_at = clock_timestamp(), nudged = nudged or $6,
         sweep_after = case when $6 then least(sweep_after, clock_timestamp() + interval '5 seconds') else sweep_after end
       where id = $1 and version = $2
       returning *
     ), event as (
       insert into payout_events (payout_id, sequence, from_state, to_state, actor, reason)
       select id, version, state, state, $7, 'details_changed' from changed
     )
     select * from changed`,
    [
      payout.id,
      payout.version,
      patch.description ?? payout.description,
      patch.metadata ?? payout.metadata,
      patch.scheduledAt ?? payout.scheduledAt,
      patch.scheduledAt !== undefined,
      actor,
    ],
  );
  if (!rows[0]) throw new StalePayoutError(`payout ${payout.id} is no longer at version ${payout.version}`);
  return rowToPayout(rows[0]);
}
