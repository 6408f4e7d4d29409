import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';

import { findSchemaProblem } from './db/schema-version';
import type { Logger } from './logger';
import { findNamespaceProblem } from './temporal/search-attributes';
import { findMasterKeyProblem } from './vault/check-master-keys';
import type { MasterKeys } from './vault/master-keys';

/** Milliseconds that a check may take; nothing is known then. */
const LIMIT_MS = 2_000;

/** What a process is put together from by its operator, and what no retry mends. */
export interface Installation {
  pool: Pool;
  masterKeys: MasterKeys;
  temporal: Client;
  logger: Logger;
}

/** Finds what is wrong, in one sentence for the operator; null: nothing. Throws where it cannot be told. */
type Check = () => Promise<string | null>;

/** Whether the parts fit together, by the names of the checks. */
export function createInstallationChecks({
  pool,
  masterKeys,
  temporal,
  logger,
}: Installation): Record<'schema' | 'master_key' | 'search_attributes', () => Promise<boolean>> {
  const holds = (check: Check, { whileUnknown }: { whileUnknown: boolean }): (() => Promise<boolean>) => {
    let logged: string | null = null;
    return async () => {
      try {
        const problem = await withinLimit(check());
        if (problem !== null && problem !== logged) logger.error(`not ready: ${problem}`);
        logged = problem;
        return problem === null;
      } catch {
        return whileUnknown;
      }
    };
  };
  return {
    // Compared each time: a migration may run while the process does.
    schema: holds(() => findSchemaProblem(pool), { whileUnknown: false }),
    master_key: holds(
      untilWell(() => findMasterKeyProblem(pool, masterKeys)),
      { whileUnknown: false },
    ),
    // Temporal that does not answer is a check of its own.
    search_attributes: holds(
      untilWell(() => findNamespaceProblem(temporal)),
      { whileUnknown: true },
    ),
  };
}

/**
 * Refuses to start a process on a database that is not its own: another schema, or secrets under another key. A database
 * that does not answer is waited for as at any other time; readiness checks it later.
 */
export async function assertOwnDatabase({ pool, masterKeys, logger }: Omit<Installation, 'temporal'>): Promise<void> {
  for (const check of [() => findSchemaProblem(pool), () => findMasterKeyProblem(pool, masterKeys)]) {
    const problem = await withinLimit(check()).catch((err: unknown) => {
      logger.warn({ err }, 'the database could not be checked at the start; readiness checks it again');
      return null;
    });
    if (problem === null) continue;
    logger.fatal(problem);
    throw new Error(problem);
  }
}

/** What was well once stays so for the life of the process. */
function untilWell(check: Check): Check {
  let isWell = false;
  return async () => {
    const problem = isWell ? null : await check();
    isWell = problem === null;
    return problem;
  };
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const limit = sleep(LIMIT_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer within ${LIMIT_MS} ms`);
  });
  return await Promise.race([work, limit]).finally(() => late.abort());
}
