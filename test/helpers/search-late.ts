import { MockActivityEnvironment } from '@temporalio/testing';

import { checkLateAtOnce } from '../../src/db/late-checks';
import type { PayoutWorld } from './payout-world';

/** Makes the late checks of a payout's account now, every call of the payout among them. */
export async function searchLate(world: PayoutWorld, payoutId: string): Promise<void> {
  await checkLateAtOnce(world.pool, payoutId);
  await new MockActivityEnvironment().run(() => world.activities.checkLateSettlements(world.credentialId));
}
