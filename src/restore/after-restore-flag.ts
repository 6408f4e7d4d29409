import { parseArgs } from 'node:util';

import type { Logger } from 'pino';
import type { Pool } from 'pg';

import { beginRestore } from '../db/restores';

/**
 * `--after-restore [--since TIME]`: opens a restore before anything is sent or accepted. TIME (ISO 8601) is the backup's
 * own; without it the newest thing that the database knows is taken. Throws for other arguments.
 */
export async function obeyAfterRestore(args: readonly string[], pool: Pool, logger: Logger): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'after-restore': { type: 'boolean', default: false }, since: { type: 'string' } },
  });
  const since = values.since === undefined ? null : new Date(values.since);
  if (since !== null && Number.isNaN(since.getTime())) throw new Error('--since must be a time in ISO 8601');
  if (!values['after-restore']) {
    if (since !== null) throw new Error('--since belongs to --after-restore');
    return;
  }
  const restore = await beginRestore(pool, since);
  logger.warn({ restore: restore.id, since: restore.since }, 'after a restore: nothing is sent until it is reconciled');
}
