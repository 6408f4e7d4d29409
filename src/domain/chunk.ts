import type { BulkTally } from './bulk-position';
import type { Reason } from './reasons';

/** Lines of a bulk by their numbers, both included. */
export interface Chunk {
  bulkId: string;
  from: number;
  to: number;
}

/** How an activity left its chunk. */
export interface ChunkEnd {
  /** Lines that its bulk still has to carry. */
  left: number;
  /** Why nothing of it may leave for now; null where nothing keeps it. */
  waits: Reason | null;
  /** Of the whole bulk by then. */
  tally: BulkTally;
}
