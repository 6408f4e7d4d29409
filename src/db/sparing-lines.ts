import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { askAboutRefusal } from './refusals';
import type { OnRefused } from './refusals';
import { isGuardRefusal } from './errors';
import type { Db } from './pool';
import { withSavepoint, withTransaction } from './transaction';

export interface Spared<L, R> {
  /** What the work gave for the lines that were not refused. */
  done: readonly R[];
  /** Those that were, as they stand with people. */
  refused: readonly { line: L; payout: Payout }[];
}

/** Does `work` over lines, of which it may be given any part; several times, but each line's is kept once. */
export type Spare = <L extends { payoutId: string }, R>(
  lines: readonly L[],
  work: (some: readonly L[]) => Promise<readonly R[]>,
) => Promise<Spared<L, R>>;

/**
 * A transaction about many lines that one bad line does not keep from happening. Statements over a set do not say which line
 * PostgreSQL's guards refuse: where they refuse one, the transaction is made again, and what went through `spare` is done
 * half by half until the refused lines stand alone. Those go before people (rule 18), the others on. A refusal of their
 * bulk's own hold is thrown.
 */
export async function sparingLines<T>(
  pool: Pool,
  onRefused: OnRefused,
  work: (trx: Db, spare: Spare) => Promise<T>,
): Promise<T> {
  try {
    return await withTransaction(pool, (trx) =>
      work(trx, async (lines, all) => ({ done: await all(lines), refused: [] })),
    );
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    return await withTransaction(pool, (trx) => work(trx, createHalving(trx, onRefused)));
  }
}

function createHalving(trx: Db, onRefused: OnRefused): Spare {
  const spare: Spare = async (lines, work) => {
    try {
      return { done: await withSavepoint(trx, () => work(lines)), refused: [] };
    } catch (error) {
      const [line, ...others] = lines;
      if (!line || !isGuardRefusal(error)) throw error;
      if (others.length === 0) {
        const { payout, unfrozen } = await askAboutRefusal(trx, line.payoutId, error);
        onRefused(line.payoutId, error);
        if (unfrozen) onRefused(line.payoutId, unfrozen);
        return { done: [], refused: [{ line, payout }] };
      }
      const middle = Math.ceil(lines.length / 2);
      const first = await spare(lines.slice(0, middle), work);
      const second = await spare(lines.slice(middle), work);
      return { done: [...first.done, ...second.done], refused: [...first.refused, ...second.refused] };
    }
  };
  return spare;
}
