import type { SubmitDeps } from '../submit';

/** How bulks run. */
export interface BulkSettings {
  /** Milliseconds within which a bulk that needs an approval must have it. */
  approvalForMs: number;
  /** Days for which the same amount to the same recipient counts as sent again. */
  duplicateDays: number;
  /** Lines of one chunk: what one activity carries. */
  chunkSize: number;
  /** Chunks of one bulk under way at once. */
  chunksAtOnce: number;
  /** Chunks of one bulk whose lines a worker sends at once, and those whose lines it asks for at once. */
  callingAtOnce: number;
  /** Chunks that one run carries before it continues as new, so that its history stays light. */
  chunksPerRun: number;
  /**
   * Where a provider's own bulk call is used: the https address below which it reaches our API. Null: each line leaves by a
   * call of its own.
   */
  batchCallbackBase: string | null;
  /** Calls of one chunk under way at once: what a worker that dies leaves unknown. */
  microBatch: number;
  /** Lines of one bulk that may be handed over to runs of their own. */
  handOverMost: number;
  /** Milliseconds after which a line that has no final answer is slow: it keeps no chunk from ending. */
  slowAfterMs: number;
  /** Milliseconds for which one activity carries a chunk or follows a bulk; a longer one goes on in the next. */
  carryForMs: number;
  /** Milliseconds between two looks at the roll-up. */
  lookEveryMs: number;
}

export interface LineDeps extends SubmitDeps {
  bulks: BulkSettings;
}
