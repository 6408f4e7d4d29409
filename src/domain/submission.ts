import type { ProviderId } from './methods';
import { isProvenUnpaid } from './outcome';
import type { OutcomeSource, ProviderWords, RejectionKind, SubmissionOutcome } from './outcome';

/** One attempt to make the provider move money, as it was written down before the call. Its id is our reference. */
export interface Submission {
  id: string;
  payoutId: string;
  attempt: number;
  call: number;
  kind: 'call' | 'void';
  provider: ProviderId;
  credentialId: string;
  accountNumber: string;
  /** Minor units. */
  amount: bigint;
  currency: string;
  sendBy: Date;
  createdAt: Date;
  outcome: SubmissionOutcome;
  rejection: RejectionKind | null;
  providerReference: string | null;
  /** Of the provider with that outcome. */
  words: ProviderWords;
  source: OutcomeSource | null;
  everUnknown: boolean;
  /** The activity that wrote it; null where none did. */
  writer: string | null;
  /** The batch in which it left; null where it left by itself. */
  batchId: string | null;
}

/** True while it is neither proven paid nor proven unpaid. */
export function isOpenCall({ outcome }: Pick<Submission, 'outcome'>): boolean {
  return outcome !== 'settled' && !isProvenUnpaid(outcome);
}
