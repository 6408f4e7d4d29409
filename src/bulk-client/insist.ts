import { setTimeout as sleep } from 'node:timers/promises';

import { ApiRefusal, NoAnswerError } from './api-errors';

const FIRST_GAP_MS = 1_000;
const MAX_GAP_MS = 15_000;
const MAX_RETRY_AFTER_MS = 60_000;

/** Together about a minute. */
const TRIES = 8;

export interface InsistOptions {
  /** Told of each failure that is followed by another try, with the milliseconds until then. */
  onTrouble: (why: string, gapMs: number) => void;
  signal: AbortSignal;
}

/** Tries again with growing gaps what may pass by itself; throws what will not, and the last failure. */
export async function insist<Result>(
  work: () => Promise<Result>,
  { onTrouble, signal }: InsistOptions,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !mayPass(error)) throw error;
      const grown = Math.min(FIRST_GAP_MS * 2 ** (tries - 1), MAX_GAP_MS);
      const gapMs = Math.max(grown, Math.min(askedToWaitMs(error), MAX_RETRY_AFTER_MS));
      onTrouble(troubleWords(error), gapMs);
      await sleep(gapMs, undefined, { signal });
    }
  }
}

/** No answer at all, or one that says "not now". */
export function mayPass(error: unknown): error is ApiRefusal | NoAnswerError {
  if (error instanceof NoAnswerError) return true;
  return error instanceof ApiRefusal && (error.status >= 500 || error.status === 408 || error.status === 429);
}

export function troubleWords(error: ApiRefusal | NoAnswerError): string {
  return error instanceof ApiRefusal ? `the API answers ${error.status} ${error.problem.code}` : error.message;
}

function askedToWaitMs(error: ApiRefusal | NoAnswerError): number {
  return error instanceof ApiRefusal ? error.retryAfterMs : 0;
}
