import type { Currency } from '../domain/currency';
import type { Environment } from '../domain/environment';
import type { MethodId, ProviderId } from '../domain/methods';
import type { PayoutState } from '../domain/payout-state';
import type { Reason } from '../domain/reasons';
import type { Payout } from '../domain/payout';
import type { Db } from './pool';
import { prepared } from './prepared';

/** What of a row of `payouts` makes a payout, as PostgreSQL gives it. */
export interface PayoutRow {
  id: string;
  merchant_id: string;
  environment: Environment;
  owner: string;
  bulk_id: string | null;
  state: PayoutState;
  version: number;
  attempt: number;
  hold_no: number;
  amount: bigint;
  currency: Currency;
  method: MethodId;
  provider: ProviderId;
  credential_id: string;
  recipient_msisdn: string | null;
  description: string;
  reference: string | null;
  metadata: Record<string, string>;
  scheduled_at: Date | null;
  reason: Reason;
  retry_at: Date | null;
  deferrals: number;
  settle_by: Date | null;
  resend: boolean;
  provider_reference: string | null;
  accepted_at: Date;
  updated_at: Date;
  finished_at: Date | null;
}

/** What a move may change, and the id. */
const MOVING_COLUMNS = [
  'id',
  'owner',
  'state',
  'version',
  'attempt',
  'hold_no',
  'reason',
  'retry_at',
  'deferrals',
  'settle_by',
  'resend',
  'provider_reference',
  'updated_at',
  'finished_at',
] as const satisfies readonly (keyof PayoutRow)[];

/** The columns of a `PayoutRow`. */
export const PAYOUT_COLUMNS = [
  'merchant_id',
  'environment',
  'bulk_id',
  'amount',
  'currency',
  'method',
  'provider',
  'credential_id',
  'recipient_msisdn',
  'description',
  'reference',
  'metadata',
  'scheduled_at',
  'accepted_at',
  ...MOVING_COLUMNS,
] as const satisfies readonly (keyof PayoutRow)[];

export type MovingRow = Pick<PayoutRow, (typeof MOVING_COLUMNS)[number]>;

/** The columns of a `PayoutRow`, of the table or alias of that name. */
export function payoutColumns(table: string): string {
  return columnsOf(table, PAYOUT_COLUMNS);
}

/** Those of a `MovingRow`. */
export function movingColumns(table: string): string {
  return columnsOf(table, MOVING_COLUMNS);
}

/** Columns of a table or alias of that name. */
export function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}

export function rowToPayout(row: PayoutRow): Payout {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    environment: row.environment,
    bulkId: row.bulk_id,
    amount: row.amount,
    currency: row.currency,
    method: row.method,
    provider: row.provider,
    credentialId: row.credential_id,
    recipient: row.recipient_msisdn === null ? {} : { msisdn: row.recipient_msisdn },
    description: row.description,
    reference: row.reference,
    metadata: row.metadata,
    scheduledAt: row.scheduled_at,
    acceptedAt: row.accepted_at,
    ...movingFields(row),
  };
}

/** The payout as a move left it: whatever else changes takes a new version, at which the move would not have found it. */
export function afterMove(payout: Payout, row: MovingRow): Payout {
  return { ...payout, ...movingFields(row) };
}

function movingFields(row: MovingRow) {
  return {
    owner: row.owner,
    state: row.state,
    version: row.version,
    attempt: row.attempt,
    holdNo: row.hold_no,
    reason: row.reason,
    retryAt: row.retry_at,
    deferrals: row.deferrals,
    settleBy: row.settle_by,
    resend: row.resend,
    providerReference: row.provider_reference,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  } satisfies Partial<Payout>;
}

const FIND = prepared('find_payout', `select ${payoutColumns('payouts')} from payouts where id = $1`);

const LOCK = prepared('lock_payout', `${FIND().text} for no key update`);

const FIND_MANY = prepared('find_payouts', `select ${payoutColumns('payouts')} from payouts where id = any ($1)`);

const LOCK_MANY = prepared('lock_payouts', `${FIND_MANY().text} order by id for no key update`);

/** The payout by its id, whoever it belongs to: for activities and operations, never for a merchant's request. */
export async function findPayout(db: Db, payoutId: string): Promise<Payout | null> {
  const { rows } = await db.query<PayoutRow>(FIND(payoutId));
  return rows[0] ? rowToPayout(rows[0]) : null;
}

/** Locks the payout's row: whoever commits first of an intent, a cancel, a decision or a late outcome wins. */
export async function lockPayout(trx: Db, payoutId: string): Promise<Payout> {
  const { rows } = await trx.query<PayoutRow>(LOCK(payoutId));
  if (!rows[0]) throw new Error(`payout ${payoutId} does not exist`);
  return rowToPayout(rows[0]);
}

/** Many payouts by their ids, in no order. */
export async function findPayouts(db: Db, payoutIds: readonly string[]): Promise<readonly Payout[]> {
  const { rows } = await db.query<PayoutRow>(FIND_MANY(payoutIds));
  return rows.map(rowToPayout);
}

/** Locks many payouts' rows, always in the same order, so that no two transactions wait for each other in a ring. */
export async function lockPayouts(trx: Db, payoutIds: readonly string[]): Promise<readonly Payout[]> {
  const { rows } = await trx.query<PayoutRow>(LOCK_MANY(payoutIds));
  return rows.map(rowToPayout);
}
