import { patched, sleep } from '@temporalio/workflow';

import { payoutWorkflow as presentWorkflow } from '../../src/workflows/payout';

/** The same change as in `changed-workflow.ts`, made as it must be: only runs that begin after it have the timer. */
export async function payoutWorkflow(payoutId: string): ReturnType<typeof presentWorkflow> {
  if (patched('one-more-timer')) await sleep('1 minute');
  return await presentWorkflow(payoutId);
}
