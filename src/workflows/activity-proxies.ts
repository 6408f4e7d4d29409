import { ActivityCancellationType, proxyActivities, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities/activities';
import { providerTaskQueue } from './contract';

/** Cheap, idempotent steps beside the workflow; they outlast a database that is away, by timers once it takes longer. */
const LOCAL = {
  startToCloseTimeout: '60s',
  localRetryThreshold: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
} as const;

export const steps = proxyLocalActivities<Activities>(LOCAL);

export const { authenticate } = proxyLocalActivities<Activities>({ ...LOCAL, summary: 'authenticate' });

export const { encryptPin } = proxyLocalActivities<Activities>({ ...LOCAL, summary: 'encrypt PIN' });

export const { pollAtOnce } = proxyLocalActivities<Activities>({ ...LOCAL, summary: 'poll status' });

/** The run's own one try of its webhooks; what fails is the sweeper's. */
export const { deliverPayoutWebhooks } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 1 },
  summary: 'notify webhook',
});

/** The prefix of this installation's queues: the provider's queue is a sister of the workflow's own. */
function providerQueue(provider: string): string {
  return providerTaskQueue(workflowInfo().taskQueue.replace(/-workflows$/, ''), provider);
}

/**
 * The money call: one attempt, never again by the engine. Longer than any connector's time-outs together; a worker that
 * dies is noticed by its missing heartbeat.
 */
export function submitOn(provider: string): Activities['submitPayout'] {
  return proxyActivities<Activities>({
    taskQueue: providerQueue(provider),
    startToCloseTimeout: '3m',
    heartbeatTimeout: '10s',
    retry: { maximumAttempts: 1 },
    summary: 'submit',
  }).submitPayout;
}

/** Asking for the final answer, until the settlement window ends: the gap between two tries is the activity's to say. */
export function askOn(provider: string, deadlineMs: number): Pick<Activities, 'pollStatus' | 'lookUpPayout'> {
  return proxyActivities<Activities>({
    taskQueue: providerQueue(provider),
    startToCloseTimeout: '2m',
    heartbeatTimeout: '30s',
    scheduleToCloseTimeout: deadlineMs,
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary: 'ask the provider',
  });
}

/** Questions to a provider on somebody's request: few tries, then the asker is told. */
export function questionsOn(provider: string): Pick<Activities, 'checkRetry' | 'watchPayout' | 'fetchProviderBalance'> {
  return proxyActivities<Activities>({
    taskQueue: providerQueue(provider),
    startToCloseTimeout: '60s',
    retry: { initialInterval: '1s', maximumAttempts: 3 },
  });
}

/** Late checks of an account: at their share a search of many pages takes long. A round that is lost is begun again when due. */
export function lateChecksOn(provider: string): Pick<Activities, 'checkLateSettlements'> {
  return proxyActivities<Activities>({
    taskQueue: providerQueue(provider),
    startToCloseTimeout: '6h',
    heartbeatTimeout: '30s',
    retry: { maximumAttempts: 1 },
    summary: 'check for late settlements',
  });
}
