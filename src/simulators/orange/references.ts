import { scenarioNamed } from './scenarios';
import type { Revealed, Scenario } from './scenarios';
import type { Row, SimulatorState, Submission } from './state';

/** All that is known of the cash-in requests that carried one reference. */
export interface ReferenceReport {
  readonly reference: string;
  /** Cash-in requests and lines of bulks that arrived with it, refused ones included. */
  readonly requests: number;
  readonly scenarios: readonly string[];
  /** HTTP status and Orange code of each answer, `lost`, or null while none has left. */
  readonly answers: readonly (string | null)[];
  readonly transactionIds: readonly string[];
  /** Whole XOF truly moved. */
  readonly credited: number;
  readonly revealed: Revealed;
}

export function reportReferences(state: SimulatorState): ReferenceReport[] {
  const byReference = new Map<string, Submission[]>();
  for (const submission of state.submissions) {
    if (submission.reference === null) continue;
    const known = byReference.get(submission.reference);
    if (known === undefined) byReference.set(submission.reference, [submission]);
    else known.push(submission);
  }
  return [...byReference].map(([reference, submissions]) => {
    const rows = submissions.flatMap((submission) => submission.rows);
    return {
      reference,
      requests: submissions.length,
      scenarios: submissions.map(({ scenario }) => scenario ?? 'refused before any scenario'),
      answers: submissions.map(({ answer }) => answer),
      transactionIds: rows.map((row) => row.transactionId),
      credited: rows.reduce((sum, row) => sum + (row.moved ? row.amount : 0), 0),
      revealed: mostHidden(submissions.map((submission) => revealedBy(state, submission))),
    };
  });
}

const BY_HIDDENNESS: readonly Revealed[] = ['never', 'contradictory', 'answer', 'search'];

function mostHidden(all: readonly Revealed[]): Revealed {
  return BY_HIDDENNESS.find((revealed) => all.includes(revealed)) ?? 'search';
}

/** Takes into account what was hidden or shown while running (POST /_sim/config). */
function revealedBy(state: SimulatorState, submission: Submission): Revealed {
  const { rows, revealed, reference, bulkCall } = submission;
  const unanswered = submission.answer === 'lost' || submission.answer === null;
  if (rows.length === 0 && bulkCall !== null) return isToldUntaken(state, submission) ? 'answer' : 'never';
  if (bulkCall !== null && isRefusedOnItsWay(submission)) return 'search';
  // Refused before its scenario's own path, as for want of float: that answer tells all there is.
  if (rows.length === 0) return unanswered ? 'never' : isOwnAnswer(submission) ? revealed : 'answer';
  const forced = reference === null ? undefined : state.shown.get(reference);
  if (forced === true) return forcedOpen(rows, revealed);
  const kept = forced === false || state.config.hideAllRows;
  const idWasTold = bulkCall === null && submission.answer === '200';
  return kept && !idWasTold ? 'never' : revealed;
}

/** A line that float or a wallet refused before its scenario's own path: its one row says so. */
function isRefusedOnItsWay({ scenario, rows }: Submission): boolean {
  if (scenario === null) return false;
  const { rows: own, search }: Scenario = scenarioNamed(scenario);
  const isRefusal = rows.every(({ status, last }) => status === 'FAILED' && last === null);
  return isRefusal && search === undefined && own.every(({ first }) => first !== 'FAILED');
}

/** Codes of a recipient, a balance, a ceiling or a field: perhaps of one line, and then they tell nothing of the others. */
const PERHAPS_OF_ONE_LINE = /^400 (200\d|20[234]\d|4099|20|22|23|24)$/;

/** A line without a row: the answer to its bulk said that it was refused, and it was. */
function isToldUntaken({ bulkCalls }: SimulatorState, { answer, scenario, bulkCall }: Submission): boolean {
  if (answer === null || answer === 'lost' || answer.startsWith('5') || scenario !== null) return false;
  if (PERHAPS_OF_ONE_LINE.test(answer)) return false;
  const taken = bulkCall === null ? null : (bulkCalls[bulkCall]?.bulkId ?? null);
  return taken === null || answer === '200 REJECTED';
}

/** True where the answer is the one that a scenario without rows ends with. */
function isOwnAnswer({ scenario, answer }: Submission): boolean {
  if (scenario === null) return false;
  const { rows, answer: own } = scenarioNamed(scenario);
  if (typeof own === 'string') return rows.length === 0 && own === `redirect_${answer ?? ''}`;
  return answer === [own.http, own.code].filter((part) => part !== undefined).join(' ');
}

/** A shown row is honest, but one that never becomes final stays undecided, and two credits stay a contradiction. */
function forcedOpen(rows: readonly Row[], revealed: Revealed): Revealed {
  return rows.some((row) => row.search !== null) ? 'search' : revealed;
}
