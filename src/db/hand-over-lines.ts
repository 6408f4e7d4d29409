import type { Pool } from 'pg';

import { bulkOwner } from '../domain/bulk';
import { ownPayoutOwner } from '../domain/payout';
import type { Payout } from '../domain/payout';
import type { OnRefused } from './refusals';
import { movePayouts } from './move-payout';
import { lockPayouts } from './payout-rows';
import type { Db } from './pool';
import { sparingLines } from './sparing-lines';

export interface HandOver {
  bulkId: string;
  payoutIds: readonly string[];
  /** Lines of this bulk that may be handed over in all. */
  most: number;
  onRefused: OnRefused;
}

/**
 * Hands lines of a bulk over to runs of their own, in the state they have (rule 3): the owner and the part of the hold in
 * one transaction. The sweeper starts their runs. Returns those that went, and those that are with people since it was refused;
 * the others stay with the bulk.
 */
export async function handOverLines(
  pool: Pool,
  { bulkId, payoutIds, most, onRefused }: HandOver,
): Promise<readonly string[]> {
  if (payoutIds.length === 0) return [];
  return await sparingLines(pool, onRefused, async (trx, spare) => {
    const owner = bulkOwner(bulkId);
    const locked = (await lockPayouts(trx, payoutIds)).filter((line) => line.owner === owner);
    // As whoever closes parts does: several chunks that hand over at once count one after another.
    await trx.query('select 1 from holds where owner = $1 order by hold_no for update', [owner]);
    const { rows } = await trx.query<{ gone: number }>(
      "select count(*)::int as gone from bulk_parts where bulk_id = $1 and closed_by = 'hand_over'",
      [bulkId],
    );
    const going = locked.slice(0, Math.max(0, most - (rows[0]?.gone ?? 0)));
    if (going.length === 0) return [];
    const lines = going.map((payout) => ({ payoutId: payout.id, payout }));
    const { done, refused } = await spare(lines, (some) => handOver(trx, bulkId, some));
    return [...done, ...refused.map(({ payout }) => payout)].map(({ id }) => id);
  });
}

async function handOver(
  trx: Db,
  bulkId: string,
  lines: readonly { payoutId: string; payout: Payout }[],
): Promise<readonly Payout[]> {
  await trx.query('select hand_over_holds($1, $2)', [bulkId, lines.map(({ payoutId }) => payoutId)]);
  return await movePayouts(
    trx,
    lines.map(({ payout }) => ({
      payout,
      move: {
        to: payout.state,
        actor: 'system',
        reason: 'handed_over',
        owner: ownPayoutOwner(payout.id),
        retryAt: payout.retryAt,
        deferrals: payout.deferrals,
      },
    })),
  );
}
