import type { ProviderWords, RejectionKind, Remedy } from './outcome';

export const BATCH_OUTCOMES = ['not_sent', 'taken', 'refused_whole', 'rejected', 'unknown'] as const;

/**
 * What a provider's own bulk call told of the whole batch; of a line it says nothing more than the name says.
 * `taken`: lines are at the provider, their results come later. `refused_whole`: the provider answered our own call that it
 * refuses the batch, which alone proves nothing (rule 12). `rejected`: the request did not get as far as its lines.
 */
export type BatchOutcome = ProviderWords &
  (
    | { outcome: 'not_sent'; reason: string }
    | { outcome: 'taken'; batchReference: string }
    | { outcome: 'refused_whole'; batchReference: string | null }
    | { outcome: 'rejected'; kind: RejectionKind; remedy: Remedy | null }
    | { outcome: 'unknown'; reason: string; batchReference: string | null }
  );
