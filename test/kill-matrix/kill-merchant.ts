import { addMerchant } from '../helpers/add-merchant';
import type { AddedMerchant } from '../helpers/add-merchant';
import type { PayoutWorld } from '../helpers/payout-world';

/** What a merchant of these tests begins with, in XOF. */
export const KILL_FLOAT = 10_000n;

export type KillMerchant = AddedMerchant;

/** A merchant whose payout nothing shares with the next one's. */
export function createKillMerchant(world: PayoutWorld, index: number): Promise<KillMerchant> {
  return addMerchant(world, { index, float: KILL_FLOAT });
}
