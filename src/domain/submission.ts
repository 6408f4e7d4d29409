import type { ProviderId } from './methods';
import { isProvenUnpaid } from './outcome';
import type { Outcome, OutcomeSource, ProviderWords, RejectionKind, SubmissionOutcome } from './outcome';

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

/**
 * True where a submission that is proven paid by one transaction of the provider is said to be paid by another one: money left
 * twice under one reference.
 */
export function isPaidAgain({ outcome, providerReference }: ProvenBy, learnt: Outcome): boolean {
  if (outcome !== 'settled' || learnt.outcome !== 'settled') return false;
  return (
    providerReference !== null && learnt.providerReference !== null && learnt.providerReference !== providerReference
  );
}

/** True where people decided that a submission is paid and named no transaction, and one is named now. */
export function isNamedNow({ outcome, providerReference }: ProvenBy, learnt: Outcome): boolean {
  if (outcome !== 'settled' || learnt.outcome !== 'settled') return false;
  return providerReference === null && learnt.providerReference !== null;
}

type ProvenBy = Pick<Submission, 'outcome' | 'providerReference'>;

/** True while it is neither proven paid nor proven unpaid. */
export function isOpenCall({ outcome }: Pick<Submission, 'outcome'>): boolean {
  return outcome !== 'settled' && !isProvenUnpaid(outcome);
}
