import type { ProblemAnswer } from '../scenarios';
import type { BulkCallbackFault } from './bulk-callback-faults';

export const BULK_STATUSES = ['PENDING', 'REJECTED', 'TERMINATED'] as const;
export type BulkStatus = (typeof BULK_STATUSES)[number];

/** How the answer to a bulk call is spoilt; `status` is the honest one. */
export const BULK_ANSWER_KINDS = [
  'status',
  'lost',
  'reset',
  'slow_headers',
  'slow_body',
  'malformed_json',
  'cut_body',
  'empty_body',
  'html_502',
  'redirect_307',
  'unknown_status',
  'no_bulk_id',
] as const;
export type BulkAnswerKind = (typeof BULK_ANSWER_KINDS)[number];

/** What the provider does with the lines: `first_half` alone, or accepts all of them and then drops them. */
export type BulkTaking = 'all' | 'none' | 'first_half' | 'dropped';

/**
 * How the rows of the batch come to light. `late`: every second one after `lateRowMs`; `stragglers`: the second half of the
 * lines is processed `lateRowMs` after the batch has ended; `shifting`: the newest quarter appears one by one while pages
 * after the first are read, all after `lateRowMs`; `doubled`: each is listed twice.
 */
export type BulkRowsQuirk = 'late' | 'stragglers' | 'shifting' | 'doubled';

export interface BulkScenario {
  /** The SS of a magic recipient `7701SSnnn` of the first line; null: not reachable by number. */
  readonly code: string | null;
  readonly name: string;
  readonly description: string;
  readonly takes: BulkTaking;
  /** Status in the answer. */
  readonly status: BulkStatus;
  readonly answer: BulkAnswerKind | ProblemAnswer;
  readonly rows?: BulkRowsQuirk;
  readonly callback?: BulkCallbackFault;
  /** Applies to the first batch headed by that recipient only. */
  readonly once?: true;
  /** The batch is taken only after the slow answer's wait. */
  readonly takesLate?: true;
  /** The key pair is really rolled before the answer. */
  readonly rollsKey?: true;
}
