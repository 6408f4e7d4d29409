import type { Pool } from 'pg';

import {
  findEarlierPayments,
  findLinePlaces,
  findSamePayments,
  findSameReferences,
  readStaged,
} from '../db/check-bulk-lines';
import { findUsedReferences } from '../db/used-references';
import { unstageLines } from '../db/receive-bulk';
import type { BulkError, BulkLineError } from '../db/receive-bulk';
import { withTransaction } from '../db/transaction';
import type { Tenant } from '../domain/environment';
import { BULK_OPTIONS, bulkOptions } from './bulk-body/options';
import { shownName } from './bulk-body/piece';
import { maskNumber, shownValue } from './bulk-body/shown-value';
import type { BulkOptions } from './bulk-body/options';
import { KEPT_ERRORS } from './bulk-report';
import type { BulkReport } from './bulk-report';
import { FUTURE_ADVICE, isSchedulable } from './schedule';
import type { TakenLines } from './take-bulk-lines';

/** The options of a bulk; what is wrong with them goes into the report, beside everything else. */
export async function checkOptions(raw: Record<string, unknown>, report: BulkReport): Promise<BulkOptions> {
  const parsed = bulkOptions.safeParse(raw);
  if (parsed.success) return parsed.data;
  const bad = new Set<string>();
  for (const issue of parsed.error.issues) {
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.map(String).join('.')];
    const message =
      issue.code === 'unrecognized_keys' ? `is not known: take one of ${BULK_OPTIONS.join(', ')}` : issue.message;
    for (const field of names) {
      bad.add(field.split('.')[0] ?? '');
      await report.add({ line: null, field: shownName(field), code: 'option_not_valid', message });
    }
  }
  // The others still say what to check.
  return bulkOptions.parse(Object.fromEntries(Object.entries(raw).filter(([name]) => !bad.has(name))));
}

/** A time that is none to schedule for: named with everything else; alone it is checked when the bulk is accepted. */
export async function checkSchedule({ scheduled_at: time }: BulkOptions, report: BulkReport): Promise<void> {
  if (time == null || isSchedulable(time)) return;
  await report.add({ line: null, field: 'scheduled_at', code: 'option_not_valid', message: FUTURE_ADVICE });
}

/** What no single line shows: sums, references and payments that come twice, here or in earlier bulks. */
export async function checkWhole(
  pool: Pool,
  tenant: Tenant,
  report: BulkReport,
  given: { bulkId: string; taken: TakenLines; options: BulkOptions; mustDeclare: boolean; duplicateDays: number },
): Promise<void> {
  const { bulkId, taken, options } = given;
  if (!taken.isBroken) {
    await report.add(...declarationErrors(given));
    await report.note(...uncheckedTotal(given));
  }
  const allowed = options.allow_duplicates ?? [];
  const checks: ((after: number) => Promise<readonly BulkLineError[]>)[] = [
    (after) => findSameReferences(pool, bulkId, after),
    (after) => findSamePayments(pool, { bulkId, allowed, after }),
    (after) =>
      withTransaction(pool, (trx) =>
        findEarlierPayments(trx, tenant, { bulkId, allowed, days: given.duplicateDays, after }),
      ),
  ];
  const unique = options.reference_unique === true;
  const usedReferences: (typeof checks)[number] = (after) =>
    withTransaction(pool, (trx) =>
      findUsedReferences(trx, tenant, { bulkId, days: given.duplicateDays, unique, after }),
    );
  if (unique) checks.push(usedReferences);
  const lines = new Set<number>();
  for (const check of checks) {
    for await (const found of pagesOf(check)) {
      await report.add(...(await withPlaces(pool, bulkId, found)));
      for (const { line } of found) lines.add(line);
    }
  }
  if (!unique) {
    for await (const found of pagesOf(usedReferences)) await report.note(...(await withPlaces(pool, bulkId, found)));
  }
  taken.bad += lines.size;
  await unstageLines(pool, bulkId, [...lines]);
  const { lines: good, currencies } = await readStaged(pool, bulkId);
  if (currencies.length > 1) {
    const message = `has lines in ${currencies.join(' and ')}: send a bulk for each`;
    await report.add({ line: null, field: 'currency', code: 'mixed_currencies', message });
  }
  // What is left out is named in the report and the result: nobody would learn of the others.
  if (report.countNotKept() > 0 && options.on_invalid === 'skip') {
    const message = `leaves out too much: the file has more than ${KEPT_ERRORS} errors, mend it or send it in parts`;
    await report.add({ line: null, field: 'on_invalid', code: 'too_many_errors', message });
  }
  const isEmpty = taken.count === 0 || options.on_invalid === 'skip';
  if (good === 0 && isEmpty && report.countOfWhole() === 0) {
    await report.add({ line: null, field: null, code: 'no_lines', message: 'there is no line that could be sent' });
  }
}

async function withPlaces(
  pool: Pool,
  bulkId: string,
  found: readonly BulkLineError[],
): Promise<readonly BulkLineError[]> {
  const places = await findLinePlaces(
    pool,
    bulkId,
    found.map(({ line }) => line),
  );
  return found.map((error) => {
    const { row = null, reference: text = null, msisdn = null } = places.get(error.line) ?? {};
    const reference = shownValue({ reference: text }, ['reference']);
    const number = msisdn === null ? null : maskNumber(msisdn);
    return { ...error, row, reference, value: error.field === 'recipient' ? number : reference };
  });
}

async function* pagesOf(
  check: (after: number) => Promise<readonly BulkLineError[]>,
): AsyncGenerator<readonly BulkLineError[]> {
  for (let last: number | undefined = 0; last !== undefined;) {
    const found = await check(last);
    yield found;
    last = found.at(-1)?.line;
  }
}

interface Declaration {
  taken: TakenLines;
  options: BulkOptions;
  mustDeclare: boolean;
}

/** A file that is cut off at the end of a line looks whole: only what was declared shows it. */
function declarationErrors({ taken, options, mustDeclare }: Declaration): readonly BulkError[] {
  const errors: BulkError[] = [];
  const say = (field: string, code: string, message: string): void => {
    errors.push({ line: null, field, code, message });
  };
  const { declared_count: count, declared_total: total } = options;
  const missing = 'is required with CSV and NDJSON, so that a file that was cut off is seen';
  if (mustDeclare && count == null) say('declared_count', 'missing', missing);
  if (mustDeclare && total == null) say('declared_total', 'missing', missing);
  if (count != null && count !== taken.count) {
    say('declared_count', 'count_differs', `${taken.count} lines came: is the file whole?`);
  }
  // An amount that cannot be read may be what the rest of the total stands for; it never makes it less.
  if (total != null && (taken.withoutAmount === 0 ? total !== taken.total : total < taken.total)) {
    say('declared_total', 'total_differs', `the amounts that came sum up to ${taken.total}: is the file whole?`);
  }
  return errors;
}

/** A total above the sum of what can be read: whether the other amounts make it up, nobody can tell. */
function uncheckedTotal({ taken, options: { declared_total: total } }: Declaration): readonly BulkError[] {
  const { withoutAmount, total: sum } = taken;
  if (total == null || withoutAmount === 0 || total <= sum) return [];
  const message =
    `cannot be checked: no amount can be read in ${withoutAmount} lines, ` +
    `and those of the others sum up to ${sum}, ${total - sum} less`;
  return [{ line: null, field: 'declared_total', code: 'total_not_checked', message }];
}
