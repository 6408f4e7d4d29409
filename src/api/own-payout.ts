import { findPayoutOf } from '../db/payout-search';
import type { Db } from '../db/pool';
import type { Tenant } from '../domain/environment';
import type { Payout } from '../domain/payout';
import { ApiProblem } from './problem';

/** The caller's payout with its sealed customer; a stranger's does not exist for him. */
export async function readOwnPayout(
  db: Db,
  tenant: Tenant,
  payoutId: string,
): Promise<{ payout: Payout; customerEnc: Buffer }> {
  const found = await findPayoutOf(db, tenant, payoutId);
  if (!found) throw new ApiProblem('not_found', { detail: 'There is no such payout here.' });
  return found;
}

/** Throws where the payout is a line of a bulk, which is never changed from beside it. */
export function assertStandsAlone(payout: Payout): void {
  const { bulkId } = payout;
  if (bulkId === null) return;
  throw new ApiProblem('owned_by_bulk', { detail: `It is a line of ${bulkId}.`, members: { bulk_id: bulkId } });
}
