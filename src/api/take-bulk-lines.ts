import { stageLines } from '../db/receive-bulk';
import type { StagedLine } from '../db/receive-bulk';
import type { Db } from '../db/pool';
import { idFrom } from '../db/ids';
import type { Tenant } from '../domain/environment';
import type { Sealing } from '../domain/sealing';
import { checkLine } from './bulk-body/check-line';
import { columnOf } from './bulk-body/csv-columns';
import { BodyLimitError, BrokenBodyError, memberTwice } from './bulk-body/piece';
import type { BodyPiece, ReadAs } from './bulk-body/piece';
import { shownValue } from './bulk-body/shown-value';
import type { BulkReport } from './bulk-report';

/** Lines that are stored by one statement. */
const BATCH = 500;

export interface TakenLines {
  /** Null where the body ended before it could be told. */
  readAs: ReadAs | null;
  /** Every option that the body carries, as it stands there. */
  options: Record<string, unknown>;
  /** Lines that came, bad ones among them. */
  count: number;
  bad: number;
  /** The rest of the body could not be understood, so that nobody knows what would have come. */
  isBroken: boolean;
  /** Of the amounts that could be read, those of bad lines among them; minor units. */
  total: bigint;
  /** Lines whose amount could not be read. */
  withoutAmount: number;
}

export interface TakeDeps {
  db: Db;
  sealing: Sealing;
  tenant: Tenant;
  bulkId: string;
  /** Names the lines' payouts together with the line's number, for ever. */
  idempotencyKey: string;
  maxLines: number;
  /** Whether errors are named by CSV columns or by the members of a line. */
  byColumn: boolean;
}

/** Checks and stores lines as they come in, a batch at a time, and reports every error. Throws `BodyLimitError`. */
export async function takeBulkLines(
  pieces: AsyncIterable<BodyPiece>,
  report: BulkReport,
  deps: TakeDeps,
): Promise<TakenLines> {
  const taken: TakenLines = {
    ...{ readAs: null, options: {}, count: 0, bad: 0, isBroken: false, total: 0n, withoutAmount: 0 },
  };
  let batch: Promise<StagedLine>[] = [];
  const store = async (): Promise<void> => {
    const lines = await Promise.all(batch);
    batch = [];
    if (lines.length > 0) await stageLines(deps.db, deps.bulkId, lines);
  };
  try {
    for await (const piece of pieces) {
      if (piece.kind === 'read_as') {
        taken.readAs = piece.readAs;
        continue;
      }
      if (piece.kind === 'options') {
        for (const name of Object.keys(piece.options)) {
          if (Object.hasOwn(taken.options, name)) await report.add(memberTwice(null, [name]));
        }
        Object.assign(taken.options, piece.options);
        continue;
      }
      if (piece.kind === 'line' || piece.line !== null) count(taken, deps.maxLines);
      if (piece.kind === 'error') {
        const { line, row, field, code, message } = piece;
        if (line !== null) {
          taken.bad += 1;
          taken.withoutAmount += 1;
        }
        await report.add({ line, row, field, code, message });
        continue;
      }
      const checked = checkLine(piece.fields);
      const amount = checked.ok ? checked.payout.amount : checked.amount;
      taken.total += amount ?? 0n;
      if (amount === null) taken.withoutAmount += 1;
      if (!checked.ok) {
        taken.bad += 1;
        const name = deps.byColumn ? columnOf : (path: readonly string[]): string => path.join('.');
        for (const { path, code, message } of checked.errors) {
          const place = { line: piece.line, row: piece.row, reference: shownValue(piece.fields, ['reference']) };
          const value = shownValue(piece.fields, path);
          await report.add({ ...place, field: name(path) || null, code, message, value });
        }
        continue;
      }
      batch.push(stagedLine(deps, piece, checked.payout));
      if (batch.length >= BATCH) await store();
    }
  } catch (error) {
    if (!(error instanceof BrokenBodyError)) throw error;
    taken.isBroken = true;
    await report.add({ line: null, field: null, code: error.code, message: where(error) });
  } finally {
    // Nothing of a batch may be left running, whatever ended the reading.
    await Promise.allSettled(batch);
  }
  await store();
  return taken;
}

function where({ line, message }: BrokenBodyError): string {
  return line === null ? message : `line ${line}: ${message}`;
}

function count(taken: TakenLines, maxLines: number): void {
  taken.count += 1;
  if (taken.count > maxLines) throw new BodyLimitError('lines', maxLines);
}

async function stagedLine(
  { sealing, tenant, idempotencyKey }: TakeDeps,
  { line, row }: { line: number; row?: number },
  payout: Extract<ReturnType<typeof checkLine>, { ok: true }>['payout'],
): Promise<StagedLine> {
  const { merchantId, environment } = tenant;
  return {
    line,
    row: row ?? null,
    payoutId: idFrom('po', merchantId, environment, 'bulk', idempotencyKey, String(line)),
    amount: payout.amount,
    currency: payout.currency,
    method: payout.method,
    msisdn: payout.recipient.msisdn,
    description: payout.description,
    customerEnc: await sealing.seal(merchantId, 'customer', JSON.stringify(payout.customer)),
    reference: payout.reference,
    metadata: payout.metadata,
  };
}
