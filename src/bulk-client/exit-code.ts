import { tally } from './tally';
import type { BulkView } from './api-views';

/** What the process ends with; a script that pays wages looks at nothing else. */
export const EXIT_CODES = {
  paid: 0,
  /** Wrong arguments, no key, an API that does not answer, a file that cannot be written. */
  trouble: 1,
  /** Nothing was taken: the file has errors, or the approval was refused. */
  refused: 2,
  /** At least one line was not paid: failed, cancelled, returned, or left out by `--on-invalid skip`. */
  unpaid: 3,
  /** At least one line where nobody can tell yet; stronger than `unpaid`. */
  undecided: 4,
  /** Not at an end: nothing moved for the time of `--give-up-after`. What is known is written; the bulk goes on. */
  unfinished: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Of a bulk at rest. */
export function exitCodeOf(bulk: BulkView): ExitCode {
  if (bulk.state === 'invalid' || bulk.state === 'rejected') return EXIT_CODES.refused;
  const { lines } = tally(bulk.progress);
  if (lines.in_review + lines.unknown > 0) return EXIT_CODES.undecided;
  return lines.paid === bulk.lines && bulk.skipped_lines === 0 ? EXIT_CODES.paid : EXIT_CODES.unpaid;
}
