import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';

/** Milliseconds that a server may take to answer before the process counts as not ready. */
const READY_LIMIT_MS = 2_000;

/** What every process needs to be ready, by name; each check answers within its own time limit. */
export function createReadiness({ pool, temporal }: { pool: Pool; temporal: Client }): {
  database: () => Promise<boolean>;
  temporal: () => Promise<boolean>;
} {
  // Of one statement node-postgres knows the limit, its types do not.
  const ping = { text: 'select 1', query_timeout: READY_LIMIT_MS };
  const askTemporal = (): Promise<boolean> => temporal.workflowService.getSystemInfo({}).then(() => true);
  return {
    database: () => pool.query(ping).then(() => true),
    temporal: () => temporal.withDeadline(Date.now() + READY_LIMIT_MS, askTemporal),
  };
}
