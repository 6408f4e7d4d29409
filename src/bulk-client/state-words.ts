import type { BulkState } from '../domain/bulk-state';
import { describeAmount } from './amounts';
import type { BulkView } from './api-views';

type Words = (bulk: BulkView, address: string) => string;

/** States in which a person wonders why nothing moves: who must do what. */
const WORDS: Partial<Record<BulkState, Words>> = {
  receiving: () => 'Its lines are still coming in.',
  awaiting_approval: ({ id, approval, content_sha256: hash }, address) =>
    `Waits for a second person of yours to approve it${approval?.expires_at ? `, until ${approval.expires_at}` : ''}: ` +
    `npm run bulk -- approve ${id}, or POST ${address}/approve with a key of that person and {"content_hash": "${hash ?? ''}"}. Nothing is held or sent.`,
  scheduled: ({ scheduled_at: at }) => `Waits for its time, ${at ?? 'later'}. Nothing is held until then.`,
  awaiting_float: ({ total, currency, missing_amount: missing }) =>
    missing === '0'
      ? 'The float is large enough by now; the bulk goes on by itself.'
      : `The float is too small: ${describeAmount(BigInt(total), currency)} are needed at once` +
        `${missing == null ? '' : `, ${describeAmount(BigInt(missing), currency)} are missing`}. Nothing was sent. ` +
        'Have an operator top it up (npm run ops -- top-up); the bulk goes on by itself.',
  paused: (_bulk, address) =>
    `Paused: no further line leaves until one of you resumes it: POST ${address}/resume. What left is followed.`,
  stopping: () => 'Cancelled: no further line leaves. What left is followed to its end.',
};

/** What to tell of a state besides its numbers; null where it goes on by itself. */
export function stateWords(bulk: BulkView, apiUrl: string): string | null {
  return WORDS[bulk.state as BulkState]?.(bulk, `${apiUrl}/v1/bulk-cash-ins/${bulk.id}`) ?? null;
}
