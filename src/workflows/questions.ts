import { questionsOn } from './activity-proxies';

/** Looks after a payout that failed: a credit that comes late is a question for people. One round, started when due. */
export async function payoutWatchWorkflow(payoutId: string, provider: string): Promise<void> {
  await questionsOn(provider).watchPayout(payoutId);
}

/** Looks up every earlier reference of a failed payout, before somebody may send it again. */
export async function retryCheckWorkflow(payoutId: string, provider: string): Promise<'clear' | 'paid' | 'unsure'> {
  return await questionsOn(provider).checkRetry(payoutId);
}

/** The provider's own balance of a credential's account. Minor units as digits. */
export async function providerBalanceWorkflow(
  credentialId: string,
  provider: string,
): Promise<{ amount: string; currency: string; at: string }> {
  return await questionsOn(provider).fetchProviderBalance(credentialId);
}
