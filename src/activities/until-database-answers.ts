import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';

import { isUnavailable, refusalOf } from '../db/errors';
import { CommitUnknownError } from '../db/transaction';

/**
 * Writes what must not be lost again and again for as long as the database is away or a deadlock throws it out. What it
 * refuses otherwise is thrown. The work must bear being done twice.
 */
export async function untilDatabaseAnswers<T>(logger: Logger, work: () => Promise<T>): Promise<T> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      const isRefused = !isUnavailable(error) && refusalOf(error) !== 'conflict';
      if (isRefused && !(error instanceof CommitUnknownError)) throw error;
      logger.warn({ err: error }, 'the database did not take what a call told; it is written again');
      await sleep(wait);
    }
  }
}
