/** What one submission told us. `unknown` is a value of its own: money may have moved. */
export const OUTCOMES = ['not_sent', 'accepted', 'settled', 'rejected', 'unknown'] as const;

export type OutcomeName = (typeof OUTCOMES)[number];

/** Why a provider refused. Only `final` fails a payout; the others go back to `queued` with the hold kept. */
export const REJECTION_KINDS = ['final', 'credential', 'provider_float', 'throttled', 'stale_key'] as const;

export type RejectionKind = (typeof REJECTION_KINDS)[number];

/**
 * What can cure a refusal: `renew_token` and `renew_key` allow the same attempt one second call;
 * `replace_pin` closes the credential gate: no automatic call with that PIN leaves any more; `rotate_secret` closes it too, and
 * leaves the one call open that changes the PIN, which is right.
 */
export const REMEDIES = ['renew_token', 'renew_key', 'replace_pin', 'rotate_secret'] as const;

export type Remedy = (typeof REMEDIES)[number];

/** The provider's own code and text, digits of personal data removed; kept with the event for people. */
export interface ProviderWords {
  code: string | null;
  text: string | null;
}

export type Outcome = ProviderWords &
  (
    | { outcome: 'not_sent'; reason: string }
    // Null where it was taken within a batch, whose lines are named later.
    | { outcome: 'accepted'; providerReference: string | null }
    // Null where people decided it and named no transaction.
    | { outcome: 'settled'; providerReference: string | null }
    | { outcome: 'rejected'; kind: RejectionKind; remedy: Remedy | null; providerReference?: string }
    | { outcome: 'unknown'; reason: string; providerReference?: string }
  );

/**
 * How a submission's outcome came to be known. One that was ever unknown leaves that only by one of the last four; a
 * statement never proves one unpaid.
 */
export const OUTCOME_SOURCES = ['answer', 'recovery', 'late_answer', 'lookup', 'statement', 'decision'] as const;

export type OutcomeSource = (typeof OUTCOME_SOURCES)[number];

/** What stands in a submission's row: nothing yet, `void` (proven not sent by a write), or an outcome. */
export type SubmissionOutcome = OutcomeName | 'void' | null;

/** True where the submission is proven not to have moved money: the only ones beside which a hold may be released. */
export function isProvenUnpaid(outcome: SubmissionOutcome): boolean {
  return outcome === 'void' || outcome === 'not_sent' || outcome === 'rejected';
}
