import { describeAmount } from './amounts';
import type { ApiRefusal } from './api-errors';
import type { AcceptedView, CheckView, LineError } from './api-views';
import type { BulkApi } from './api';
import { errorTable } from './error-table';
import { EXIT_CODES } from './exit-code';
import type { ExitCode } from './exit-code';
import { saveErrors } from './save-file';

export interface TellDeps {
  api: BulkApi;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Of a new bulk, or of the one that its key named before: by another command, or by an earlier try of this one. */
export async function tellAccepted(
  bulk: AcceptedView,
  { isReplay, wasRepeated, file }: { isReplay: boolean; wasRepeated: boolean; file: string },
  deps: TellDeps,
): Promise<void> {
  const { id, lines, total, currency, skipped_lines: skipped, same_content_as: twin } = bulk;
  const { say } = deps;
  if (isReplay && !wasRepeated) {
    say(`This was accepted before, at ${bulk.received_at}, as ${id}: nothing was sent again.`);
    say('To pay the same file once more, give it another --idempotency-key.');
    return;
  }
  say(`Accepted: ${id}, ${lines.toLocaleString('en')} lines, ${describeAmount(BigInt(total), currency)}.`);
  if (twin !== null) say(`Careful: the very same content was sent before, as ${twin}, under another key.`);
  tellWarnings(bulk, say);
  if (skipped === 0) return;
  say(`${skipped.toLocaleString('en')} bad lines were left out and are not paid:`);
  await tellErrors([], null, { bulkId: id, file, isReportKept: true }, deps);
}

/** Tells what would happen. @returns 0 where it would be accepted. */
export async function tellCheck(check: CheckView, file: string, deps: TellDeps): Promise<ExitCode> {
  const { say } = deps;
  const { lines, needed_float: needed, currency, skipped_lines: skipped } = check;
  say(
    `Checked only: ${lines.toLocaleString('en')} good lines, float needed ${describeAmount(BigInt(needed), currency)}.`,
  );
  for (const { method, provider, has_credential: ready } of check.routes) {
    say(`${method} goes by ${provider}${ready ? '' : ', for which no credential is saved'}.`);
  }
  if (check.needs_approval) say('A second person of yours would have to approve it.');
  if (check.estimated_duration_seconds != null)
    say(`It would take about ${Math.ceil(check.estimated_duration_seconds)} s.`);
  if (check.same_content_as !== null) say(`The very same content was sent before, as ${check.same_content_as}.`);
  tellWarnings(check, say);
  const isReportKept = check.report !== null;
  const report = { bulkId: check.id, file, isReportKept };
  if (check.error_count > 0) await tellErrors(check.errors, check.error_count, report, deps);
  say(
    check.would_be_accepted
      ? `It would be accepted${skipped > 0 ? `, without ${skipped.toLocaleString('en')} bad lines` : ''}. Nothing was taken.`
      : 'It would be refused. Nothing was taken.',
  );
  return check.would_be_accepted ? EXIT_CODES.paid : EXIT_CODES.refused;
}

export async function tellRefusal({ status, problem }: ApiRefusal, file: string, deps: TellDeps): Promise<void> {
  const { title, detail, errors, error_count: count, bulk_id: bulkId } = problem;
  deps.say(`Refused (${status} ${problem.code}): ${title}. ${detail}`);
  if (!errors || bulkId === undefined) return;
  const isReportKept = problem.report !== null;
  await tellErrors(errors, count ?? errors.length, { bulkId, file, isReportKept }, deps);
}

/** Prints the warnings that came with the answer; all of them are in the report. */
function tellWarnings({ warning_count: count, warnings }: AcceptedView | CheckView, say: (line: string) => void): void {
  if (count === 0) return;
  say(`Careful, ${count.toLocaleString('en')} warnings:`);
  errorTable(warnings).forEach((row) => say(`  ${row}`));
  if (count > warnings.length) say(`  … and ${(count - warnings.length).toLocaleString('en')} more.`);
}

/** Prints the errors that came with the answer, and writes all of them beside the file. */
async function tellErrors(
  errors: readonly LineError[],
  count: number | null,
  { bulkId, file, isReportKept }: { bulkId: string; file: string; isReportKept: boolean },
  { api, say, signal }: TellDeps,
): Promise<void> {
  if (errors.length > 0) errorTable(errors).forEach((row) => say(`  ${row}`));
  if (count !== null && count > errors.length) say(`  … and ${(count - errors.length).toLocaleString('en')} more.`);
  if (!isReportKept) return;
  const path = `${file}.errors.csv`;
  const onTrouble = (why: string): void => say(`${why}; asking for the report again.`);
  try {
    await saveErrors(path, { api, bulkId, signal, onTrouble });
    say(`All of them, to be opened as a table: ${path}`);
  } catch (error) {
    // What was decided about the file stands all the same.
    if (signal.aborted) throw error;
    say(`The report could not be written (${(error as Error).message}); it is kept at …/${bulkId}/errors.csv.`);
  }
}
