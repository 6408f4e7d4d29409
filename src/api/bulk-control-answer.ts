import { readBulkStanding } from '../db/bulk-standings';
import type { LineCounts } from '../db/control-bulk';
import type { Bulk } from '../domain/bulk';
import { readApproval } from './bulk-approval-object';
import { serializeBulk, serializeProgress } from './bulk-object';
import type { RouteDeps } from './deps';
import type { Answer } from './route';

/** Tells the bulk's run of a change that is committed, without waiting for it, and answers how the lines stood then and stand now. */
export async function answerControl(
  deps: RouteDeps,
  bulk: Bulk,
  counts: LineCounts,
  further: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  deps.runs.bulkDecided(bulk).catch((err: unknown) => {
    deps.logger.info({ err, bulk: bulk.id }, 'the run was not told; it reads the bulk at its next turn');
  });
  const [approval, standing] = await Promise.all([readApproval(deps, bulk), readBulkStanding(deps.pool, bulk.id)]);
  return {
    status: 200,
    body: {
      ...serializeBulk(bulk, approval),
      ...serializeProgress(standing),
      intents_written: counts.intentsWritten,
      lines_stopped: counts.linesStopped,
      unknown: counts.unknown,
      ...further,
    },
  };
}
