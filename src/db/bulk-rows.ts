import type { Bulk, BulkNotify, OnInvalid } from '../domain/bulk';
import type { BulkReason, BulkState } from '../domain/bulk-state';
import type { Currency } from '../domain/currency';
import type { Environment, Tenant } from '../domain/environment';
import type { Db } from './pool';
import { prepared } from './prepared';

export interface BulkRow {
  id: string;
  merchant_id: string;
  environment: Environment;
  state: BulkState;
  reason: BulkReason;
  version: number;
  description: string | null;
  metadata: Record<string, string>;
  notify: BulkNotify;
  on_invalid: OnInvalid;
  content_hash: Buffer | null;
  currency: Currency | null;
  line_count: number;
  total: bigint;
  skipped_count: number;
  scheduled_at: Date | null;
  created_by: string;
  received_at: Date;
  started_at: Date | null;
  updated_at: Date;
  finished_at: Date | null;
}

export function rowToBulk(row: BulkRow): Bulk {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    environment: row.environment,
    state: row.state,
    reason: row.reason,
    version: row.version,
    description: row.description,
    metadata: row.metadata,
    notify: row.notify,
    onInvalid: row.on_invalid,
    contentHash: row.content_hash,
    currency: row.currency,
    lineCount: row.line_count,
    total: row.total,
    skippedCount: row.skipped_count,
    scheduledAt: row.scheduled_at,
    createdBy: row.created_by,
    receivedAt: row.received_at,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}

/** The bulk by its id, whoever it belongs to: for activities and operations, never for a merchant's request. */
export async function findBulk(db: Db, bulkId: string): Promise<Bulk | null> {
  const { rows } = await db.query<BulkRow>('select * from bulks where id = $1', [bulkId]);
  return rows[0] ? rowToBulk(rows[0]) : null;
}

/** A merchant's bulk; null where it is not the merchant's in this environment. */
export async function findBulkOf(db: Db, { merchantId, environment }: Tenant, bulkId: string): Promise<Bulk | null> {
  const bulk = await findBulk(db, bulkId);
  return bulk?.merchantId === merchantId && bulk.environment === environment ? bulk : null;
}

const IS_RUNNING = prepared(
  'is_bulk_running',
  "select 1 from bulks where id = $1 and state in ('running', 'completed') for share",
);

/** Whether a line of the bulk may be sent; share-locks its row, so that a pause comes before or after the line's intent. */
export async function isBulkRunning(trx: Db, bulkId: string): Promise<boolean> {
  const { rowCount } = await trx.query(IS_RUNNING(bulkId));
  return rowCount === 1;
}

/** Whether it runs, and its failed lines are to be taken back and are not yet. */
export async function isBulkRetrying(db: Db, bulkId: string): Promise<boolean> {
  const { rowCount } = await db.query("select 1 from bulks where id = $1 and retrying and state = 'running'", [bulkId]);
  return rowCount === 1;
}

/** Locks the bulk's row: whoever commits first of a start, a window of lines and a cancel wins. */
export async function lockBulk(trx: Db, bulkId: string): Promise<Bulk> {
  const { rows } = await trx.query<BulkRow>('select * from bulks where id = $1 for no key update', [bulkId]);
  if (!rows[0]) throw new Error(`bulk ${bulkId} does not exist`);
  return rowToBulk(rows[0]);
}
