import type { BulkReason, BulkState } from './bulk-state';
import type { Chunk } from './chunk';
import type { Currency } from './currency';
import type { Environment } from './environment';

export const BULK_STEPS = ['wait_for_time', 'start', 'retry', 'carry', 'follow', 'wait_for_people', 'close'] as const;

/** What a bulk's run does next. */
export type BulkStep = (typeof BULK_STEPS)[number];

/** Lines that wait for their turn, that are under way, and that are final or with people. */
export interface BulkTally {
  waiting: number;
  underWay: number;
  resting: number;
}

/** Where a bulk stands, as its run sees it: ids, states, counts, times and the total only. */
export interface BulkPosition {
  bulkId: string;
  merchantId: string;
  environment: Environment;
  state: BulkState;
  reason: BulkReason;
  version: number;
  step: BulkStep;
  /** Milliseconds until the step is due, by the database's clock. */
  dueInMs: number;
  tally: BulkTally;
  /** Chunks with lines that the bulk itself carries: the first ones of them. */
  chunks: readonly Chunk[];
  /** Chunks that are carried at once. */
  chunksAtOnce: number;
  /** Chunks that one run carries before it continues as new. */
  chunksPerRun: number;
  /** In minor units. For people only, as the currency, and absent in recorded runs that are older than it. */
  total?: string;
  currency?: Currency;
}

/**
 * The resume table of a bulk: what its run does, whatever happened to the run before. `timeInMs`: until its scheduled time,
 * or the end of its approval. `hasChunks`: it has lines of its own that may be sent, or that left.
 */
export function nextBulkStep(state: BulkState, timeInMs: number, hasChunks: boolean): BulkStep {
  switch (state) {
    case 'ready':
    case 'scheduled':
      return timeInMs > 0 && state === 'scheduled' ? 'wait_for_time' : 'start';
    case 'awaiting_float':
      return 'start';
    case 'running':
    case 'stopping':
      return hasChunks ? 'carry' : 'follow';
    case 'paused':
      return hasChunks ? 'carry' : 'wait_for_people';
    case 'awaiting_approval':
      return timeInMs > 0 ? 'wait_for_people' : 'start';
    case 'receiving':
      return 'wait_for_people';
    case 'invalid':
    case 'completed':
    case 'rejected':
    case 'cancelled':
      return 'close';
    default:
      return state satisfies never;
  }
}
