import type { BulkReason, BulkState } from './bulk-state';
import type { Currency } from './currency';
import type { Environment } from './environment';
import { FINAL_STATES } from './payout-state';
import type { PayoutState } from './payout-state';

export const BULK_NOTIFY = ['each', 'summary', 'none'] as const;

/** Which webhooks a bulk sends: of each line and of the whole, of the whole only, or none. */
export type BulkNotify = (typeof BULK_NOTIFY)[number];

export const ON_INVALID = ['reject', 'skip'] as const;

/** What bad lines do: refuse the whole, or are left out. */
export type OnInvalid = (typeof ON_INVALID)[number];

/** Many payouts accepted as one unit. */
export interface Bulk {
  id: string;
  merchantId: string;
  environment: Environment;
  state: BulkState;
  reason: BulkReason;
  /** Grows by one with each change; also the sequence of the event that records the change. */
  version: number;
  description: string | null;
  metadata: Record<string, string>;
  notify: BulkNotify;
  onInvalid: OnInvalid;
  /** SHA-256 of the content as it came in; null while it comes in. */
  contentHash: Buffer | null;
  /** Of all lines; null where no line was taken. */
  currency: Currency | null;
  lineCount: number;
  /** Minor units. */
  total: bigint;
  skippedCount: number;
  scheduledAt: Date | null;
  createdBy: string;
  receivedAt: Date;
  startedAt: Date | null;
  updatedAt: Date;
  finishedAt: Date | null;
}

/** A line in one of these keeps its bulk from ending no longer. */
export const LINE_RESTS: readonly PayoutState[] = [...FINAL_STATES, 'in_review'];

/** The owner of a bulk's lines and of its hold. */
export function bulkOwner(bulkId: string): string {
  return `bulk/${bulkId}`;
}
