import { proxyActivities, sleep } from '@temporalio/workflow';

import type { BaselineActivities } from './activities';
import type { BaselineOrder } from './contract';

const activities = proxyActivities<BaselineActivities>({
  taskQueue: 'baseline-orange',
  startToCloseTimeout: '10m',
  retry: { maximumAttempts: 1 },
});

/** The least that Temporal can do: one activity does all, and nothing is written down but its result. */
export async function barePayoutWorkflow(order: BaselineOrder): Promise<string> {
  return await activities.doAll(order);
}

/** As it would be written at first: each step an activity, the wait a timer. */
export async function naivePayoutWorkflow(order: BaselineOrder): Promise<string> {
  const token = await activities.fetchToken();
  const key = await activities.fetchKey(token);
  const sent = await activities.submit({ order, token, key });
  let status = await activities.fetchStatus({ token, providerReference: sent.providerReference });
  while (status === 'in_flight') {
    await sleep(sent.gapMs);
    status = await activities.fetchStatus({ token, providerReference: sent.providerReference });
  }
  await activities.notify({ order, providerReference: sent.providerReference, status });
  return status;
}
