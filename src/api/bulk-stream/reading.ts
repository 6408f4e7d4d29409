import { createHash } from 'node:crypto';

import { readBulkStanding } from '../../db/bulk-standings';
import { listBulkTransitions } from '../../db/bulk-transitions';
import type { BulkTransition } from '../../db/bulk-transitions';
import { isRestingBulk } from '../../domain/bulk-state';
import { readApproval } from '../bulk-approval-object';
import type { BulkApprovalObject } from '../bulk-approval-object';
import { serializeBulk, serializeProgress } from '../bulk-object';
import type { ApiDeps } from '../deps';

/** A bulk at one moment, read for all who watch it. */
export interface BulkReading {
  version: number;
  isAtRest: boolean;
  /** Of the lines and amounts by state, and of what is missing: equal for equal ones. */
  mark: string;
  /** All up to `version`, oldest first. */
  transitions: readonly BulkTransition[];
  approval: BulkApprovalObject | null;
  /** What `GET /v1/bulk-cash-ins/{bulkId}` answers, as JSON. */
  body: string;
}

/** One query, and two more where the bulk's own state changed since the reading before. */
export async function readForWatchers(
  deps: Pick<ApiDeps, 'pool' | 'sealing'>,
  bulkId: string,
  before: BulkReading | null,
): Promise<BulkReading> {
  const standing = await readBulkStanding(deps.pool, bulkId);
  const { version, state } = standing.bulk;
  const changed = version === before?.version ? before : await readChanged();
  const progress = serializeProgress(standing);
  return {
    version,
    isAtRest: isRestingBulk(state),
    mark: createHash('sha256')
      .update(JSON.stringify([progress.progress, progress.missing_amount]))
      .digest('hex')
      .slice(0, 12),
    transitions: changed.transitions,
    approval: changed.approval,
    body: JSON.stringify({ ...serializeBulk(standing.bulk, changed.approval), ...progress }),
  };

  async function readChanged(): Promise<Pick<BulkReading, 'transitions' | 'approval'>> {
    const known = before?.transitions ?? [];
    const [transitions, approval] = await Promise.all([
      listBulkTransitions(deps.pool, bulkId, { above: known.at(-1)?.version ?? 0, upTo: version }),
      readApproval(deps, standing.bulk),
    ]);
    return { transitions: [...known, ...transitions], approval };
  }
}
