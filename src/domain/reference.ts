/** Which call of which payout a reference at the provider names. */
export interface SubmissionKey {
  payoutId: string;
  attempt: number;
  call: number;
}

const REFERENCE = /^sub_([0-9a-z]{26})_(\d{1,6})_([1-9])$/;

/**
 * The id of a submission, which is its reference at the provider: names payout, attempt and call, so that a provider's row
 * can be tied to its payout even where the submission's own row is lost. At most 39 characters.
 */
export function submissionReference({ payoutId, attempt, call }: SubmissionKey): string {
  return `sub_${payoutId.slice('po_'.length)}_${attempt}_${call}`;
}

/** The payout that a reference names, or null where it is none of ours. */
export function parseReference(reference: string): SubmissionKey | null {
  const [, payout, attempt, call] = REFERENCE.exec(reference) ?? [];
  if (payout === undefined) return null;
  return { payoutId: `po_${payout}`, attempt: Number(attempt), call: Number(call) };
}
