import { insertBulkErrors } from '../db/receive-bulk';
import type { BulkError } from '../db/receive-bulk';
import type { Db } from '../db/pool';

/** An error as the API shows it: where, and what to change. */
export interface BulkErrorObject {
  line: number | null;
  row: number | null;
  reference: string | null;
  field: string | null;
  value: string | null;
  code: string;
  detail: string;
}

export function serializeBulkError({ line, row, reference, field, value, code, message }: BulkError): BulkErrorObject {
  const place = { line, row: row ?? null, reference: reference ?? null };
  return { ...place, field, value: value ?? null, code, detail: message };
}

/** Errors that stand in the answer itself; all of them stand in the report. */
const SHOWN = 100;

/** Errors that are kept of one bulk; the others are only counted. */
export const KEPT_ERRORS = 20_000;

const BATCH = 500;

/** Everything that is wrong with a bulk, written down as it is found; only the first errors stay in memory. */
export interface BulkReport {
  add(...errors: readonly BulkError[]): Promise<void>;
  /** As `add`, of what refuses nothing by itself: a warning. */
  note(...errors: readonly BulkError[]): Promise<void>;
  /** Writes what is not written yet, and how many errors are not kept. */
  finish(): Promise<void>;
  /** All errors that were found, also those that are not kept; warnings are not among them. */
  count(): number;
  countNotKept(): number;
  /** Of errors of the whole, which no line can be left out for. */
  countOfWhole(): number;
  first(): readonly BulkErrorObject[];
  /** How many warnings there are, and the first of them. */
  warnings(): { count: number; first: readonly BulkErrorObject[] };
}

export function createBulkReport(db: Db, bulkId: string): BulkReport {
  const first: BulkError[] = [];
  const firstWarnings: BulkError[] = [];
  let errors = 0;
  let warnings = 0;
  let waiting: BulkError[] = [];
  let written = 0;
  let notKept = 0;
  let ofWhole = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    await insertBulkErrors(db, bulkId, batch, written);
    written += batch.length;
  };
  /** @returns how many of them are not kept. */
  const write = async (found: readonly BulkError[], shown: BulkError[]): Promise<number> => {
    let left = 0;
    for (const error of found) {
      if (shown.length < SHOWN) shown.push(error);
      // Those of the whole come last, and say what the others mean: some places are theirs.
      if (written + waiting.length >= KEPT_ERRORS + (error.line === null ? SHOWN : 0)) {
        left += 1;
        continue;
      }
      waiting.push(error);
      if (waiting.length >= BATCH) await flush();
    }
    return left;
  };
  return {
    async add(...found) {
      ofWhole += found.filter(({ line }) => line === null).length;
      errors += found.length;
      notKept += await write(found, first);
    },
    async note(...found) {
      warnings += found.length;
      await write(found, firstWarnings);
    },
    async finish() {
      await flush();
      if (notKept === 0) return;
      const message = `${notKept} more errors were found and are not kept: correct these, then check the file again`;
      await insertBulkErrors(db, bulkId, [{ line: null, field: null, code: 'more_errors', message }], written);
    },
    count: () => errors,
    countNotKept: () => notKept,
    countOfWhole: () => ofWhole,
    first: () => first.map(serializeBulkError),
    warnings: () => ({ count: warnings, first: firstWarnings.map(serializeBulkError) }),
  };
}
