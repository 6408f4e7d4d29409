import { randomUUID } from 'node:crypto';
import type { CallbackSecrets, RawCallback } from '../../src/domain/callback';
import type { BatchOrder, NextPage, PayoutOrder, Provider, ProviderAccount } from '../../src/providers/provider';

/** What a provider's simulator can be made to do with a payout, by its recipient. */
export const SITUATIONS = [
  'paid_at_once',
  'paid_later',
  'refused',
  'refused_later',
  'float_low',
  'throttled',
  'lost_after_paid',
  'lost_unpaid',
  'reset_after_paid',
  'error_after_paid',
  'redirect_after_paid',
  'slow_head_after_paid',
  'slow_body_after_paid',
  'cut_after_paid',
  'malformed_after_paid',
  'unknown_status_after_paid',
  'other_reference_after_paid',
] as const;

export type Situation = (typeof SITUATIONS)[number];

/** A provider with the stand-in at its other end, and what that one alone knows. */
export interface ProviderUnderTest {
  /** With time-outs short enough for the slow situations. */
  provider: Provider;
  account: ProviderAccount;
  pin: string;
  currency: string;
  /** A recipient that was not used before; null where the provider has no such situation. */
  recipientFor(situation: Situation): string | null;
  /** Amounts that truly reached a recipient under this reference, in minor units. */
  creditsOf(reference: string): readonly bigint[];
  /** Requests for this reference that reached the provider's money endpoint. */
  requestsOf(reference: string): number;
  /** Null where the provider has no call for many payouts at once. */
  bulk: BulkUnderTest | null;
  close(): Promise<void>;
}

/** For searches that are not about an account's budget: no page waits for its turn. */
export const anyPage: NextPage = () => Promise.resolve();

/** What a provider's simulator can be made to do with a batch, by the recipient of its first line. */
export const BULK_SITUATIONS = [
  'taken',
  'rows_doubled',
  'pages_shifting',
  'throttled',
  'access_refused',
  'stale_key',
  'refused_whole',
  'refused_whole_though_half_is_paid',
  'refused_for_what_may_be_one_line',
  'lost_before_taken',
  'reset_before_taken',
  'error_before_taken',
  'lost_after_taken',
  'reset_after_taken',
  'error_after_taken',
  'unavailable_after_taken',
  'redirect_after_taken',
  'slow_head_after_taken',
  'slow_body_after_taken',
  'malformed_after_taken',
  'cut_after_taken',
  'empty_after_taken',
  'unknown_status_after_taken',
  'nameless_after_taken',
  'callback_forged',
  'callback_contradictory',
  'callback_of_another',
] as const;

export type BulkSituation = (typeof BULK_SITUATIONS)[number];

/** The provider's own bulk call, with pages so small that a batch of five lines fills more than one. */
export interface BulkUnderTest {
  /** A recipient for the first line of a batch; null where the provider has no such situation. */
  headFor(situation: BulkSituation): string | null;
  /** A recipient to whom nothing unusual happens, and that was not used before. */
  plainRecipient(): string;
  /** An address that was not used before and where callbacks arrive. */
  newCallbackUrl(): string;
  /** What arrived there so far. */
  callbacksTo(callbackUrl: string): readonly RawCallback[];
  /** With which the callbacks are signed. */
  callbackSecrets: CallbackSecrets;
  /** Requests for a page of a search so far. */
  searches(): number;
  /** From now on every search fails, or works again. */
  failSearches(failing: boolean): void;
}

/** An order of 1500 minor units to this recipient, with a token and a PIN that are fresh. */
export async function prepareOrder(world: ProviderUnderTest, recipient: string): Promise<PayoutOrder> {
  const { provider, account, pin, currency } = world;
  const token = (await provider.authenticate(account)).value;
  const encryptedPin = provider.account.encryptPin(pin, await provider.account.fetchEncryptionKey(account, token));
  return { reference: `sub_${randomUUID()}`, amount: 1500n, currency, recipient, account, token, encryptedPin };
}

export function soon(): Date {
  return new Date(Date.now() + 60_000);
}

/** A batch with one line for each recipient, of 1500 minor units and one more for each line. */
export async function prepareBatch(
  world: ProviderUnderTest,
  at: BulkUnderTest,
  recipients: readonly string[],
): Promise<BatchOrder> {
  const { provider, account, pin, currency } = world;
  const token = (await provider.authenticate(account)).value;
  const key = await provider.account.fetchEncryptionKey(account, token);
  const lines = recipients.map((recipient, index) => ({
    reference: `sub_${randomUUID()}`,
    amount: 1500n + BigInt(index),
    currency,
    recipient,
    encryptedPin: provider.account.encryptPin(pin, key),
  }));
  return { lines, account, token, callbackUrl: at.newCallbackUrl() };
}
