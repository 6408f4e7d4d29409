import { foldBulkMoves } from '../../db/bulk-roll-up';
import type { LineDeps } from './line-deps';

/** A chunk may take minutes: what has moved is folded in so often, and the bulk's pace is sampled with it. */
const FOLD_EVERY_MS = 5_000;

/** Folds a bulk's moves from time to time until the work is done. A fold that fails is left to the next one. */
export async function whileFolding<T>(
  { pool, logger }: Pick<LineDeps, 'pool' | 'logger'>,
  bulkId: string,
  work: () => Promise<T>,
): Promise<T> {
  let isFolding = false;
  let folding = Promise.resolve();
  const fold = async (): Promise<void> => {
    isFolding = true;
    try {
      await foldBulkMoves(pool, bulkId);
    } catch (err) {
      logger.info({ err, bulk: bulkId }, 'moves of lines were not folded; the next fold takes them');
    }
    isFolding = false;
  };
  const timer = setInterval(() => {
    if (!isFolding) folding = fold();
  }, FOLD_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await folding;
  }
}
