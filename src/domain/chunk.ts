import type { BulkTally } from './bulk-position';
import type { Reason } from './reasons';

/** Lines of a bulk by their numbers, both included. */
export interface Chunk {
  bulkId: string;
  from: number;
  to: number;
  /** It has lines that left: they are followed whatever keeps the others from leaving. */
  hasLeft?: boolean;
  /** Something keeps all lines from leaving: those that left are followed, no other one is sent. */
  followsOnly?: boolean;
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
