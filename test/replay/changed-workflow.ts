import { sleep } from '@temporalio/workflow';

import { payoutWorkflow as presentWorkflow } from '../../src/workflows/payout';

/** The payout workflow after a careless change: one more timer, which no recorded run has. */
export async function payoutWorkflow(payoutId: string): ReturnType<typeof presentWorkflow> {
  await sleep('1 minute');
  return await presentWorkflow(payoutId);
}
