import { lateChecksOn, questionsOn } from './activity-proxies';

/** Nothing starts it any more (late checks are grouped); runs that an older version started end with it. */
export async function payoutWatchWorkflow(payoutId: string, provider: string): Promise<void> {
  await questionsOn(provider).watchPayout(payoutId);
}

/** One round of late checks over an account, named by one of its credentials. The sweeper starts it when one is due. */
export async function lateSettlementCheckWorkflow(credentialId: string, provider: string): Promise<void> {
  await lateChecksOn(provider).checkLateSettlements(credentialId);
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
