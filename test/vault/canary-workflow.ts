import { ApplicationFailure, proxyActivities, setCurrentDetails } from '@temporalio/workflow';

const { failWithCanary } = proxyActivities<{ failWithCanary(canary: string): Promise<void> }>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 1 },
  summary: 'canary summary',
});

/** Carries a word wherever a payload or a failure may carry one. */
export async function canaryWorkflow(canary: string): Promise<void> {
  setCurrentDetails(canary);
  await failWithCanary(canary).catch(() => undefined);
  throw ApplicationFailure.nonRetryable(`the workflow failed on ${canary}`, 'planted', canary);
}
