import { createPool } from './pool';
import type { Db } from './pool';

/** The search was stopped at its time limit: its filter matches too much of what is stored. */
export class SearchTooSlowError extends Error {
  override readonly name = 'SearchTooSlowError';
}

/** Lists and searches, whose cost depends on the caller's filter: a slow one keeps no payout from being accepted. */
export interface Searches {
  /** Runs the work on a connection for searches. Throws `SearchTooSlowError` where a statement exceeds the limit. */
  run<Result>(caller: string, work: (db: Db) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface SearchesOptions {
  databaseUrl: string;
  /** Connections. */
  size: number;
  /** Milliseconds that one statement may take. */
  limitMs: number;
  onIdleError: (error: Error) => void;
}

/**
 * Connections of their own, each statement limited by PostgreSQL itself. One caller has at most half of them; the rest of
 * that caller's searches wait in a row.
 */
export function createSearches({ databaseUrl, size, limitMs, onIdleError }: SearchesOptions): Searches {
  const pool = createPool({ databaseUrl, size, onIdleError, statementTimeoutMs: limitMs });
  const turns = createTurns(Math.max(1, Math.floor(size / 2)));
  return {
    run: (caller, work) =>
      turns(caller, async () => {
        try {
          return await work(pool);
        } catch (error) {
          if ((error as { code?: unknown }).code !== '57014') throw error;
          throw new SearchTooSlowError('the search exceeded its time limit', { cause: error });
        }
      }),
    close: () => pool.end(),
  };
}

/** Runs at most so much work of one caller at a time; the rest in the order in which it came. */
function createTurns(atOnce: number): <Result>(caller: string, work: () => Promise<Result>) => Promise<Result> {
  const callers = new Map<string, { running: number; waiting: (() => void)[] }>();
  return async (caller, work) => {
    const own = callers.get(caller) ?? { running: 0, waiting: [] };
    callers.set(caller, own);
    if (own.running >= atOnce) await new Promise<void>((resolve) => own.waiting.push(resolve));
    else own.running += 1;
    try {
      return await work();
    } finally {
      const next = own.waiting.shift();
      // The place is handed to the next one, so that nobody who comes in between takes it.
      if (next) next();
      else own.running -= 1;
      if (own.running === 0) callers.delete(caller);
    }
  };
}
