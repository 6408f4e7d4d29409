import { LINE_RESTS } from '../domain/bulk';
import { nextBulkStep } from '../domain/bulk-position';
import type { BulkPosition, BulkTally } from '../domain/bulk-position';
import type { BulkState } from '../domain/bulk-state';
import { serializeAmount } from '../domain/money';
import type { PayoutState } from '../domain/payout-state';
import { findBulk, isBulkRetrying } from './bulk-rows';
import { readBulkRollUp } from './bulk-roll-up';
import { listOpenChunks } from './open-lines';
import type { BulkRollUp } from './bulk-roll-up';
import type { Db } from './pool';

/** How long a bulk that has too little float waits before it looks again; a top-up wakes nobody. */
const FLOAT_CHECK_MS = 15_000;

/** Chunks that a run learns of at once: more than the largest bulk has, unless chunks are very small; a position stays so too. */
const CHUNKS_OF_A_ROUND = 500;

/** Where the bulk stands and what its run does next, by the database's clock. */
export async function readBulkPosition(
  db: Db,
  bulkId: string,
  { chunkSize, chunksAtOnce, chunksPerRun }: { chunkSize: number; chunksAtOnce: number; chunksPerRun: number },
): Promise<BulkPosition> {
  const bulk = await findBulk(db, bulkId);
  if (!bulk) throw new Error(`bulk ${bulkId} does not exist`);
  const { rows } = await db.query<{ ms: number }>(
    `select coalesce(extract(epoch from
         case state when 'awaiting_approval' then expires_at else scheduled_at end - clock_timestamp()) * 1000, 0)::float8 as ms
     from bulks left join bulk_approvals on bulk_id = id where id = $1`,
    [bulkId],
  );
  const timeInMs = Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
  const waits: Partial<Record<BulkState, number>> = {
    awaiting_approval: timeInMs,
    scheduled: timeInMs,
    awaiting_float: FLOAT_CHECK_MS,
  };
  const open = await listOpenChunks(db, bulk, { size: chunkSize, limit: CHUNKS_OF_A_ROUND });
  const chunks = open.map(({ number, hasLeft }) => {
    const chunk = { bulkId, from: number * chunkSize + 1, to: (number + 1) * chunkSize };
    return hasLeft ? { ...chunk, hasLeft } : chunk;
  });
  return {
    bulkId,
    merchantId: bulk.merchantId,
    environment: bulk.environment,
    state: bulk.state,
    reason: bulk.reason,
    version: bulk.version,
    // Its failed lines come back to it first.
    step: (await isBulkRetrying(db, bulkId)) ? 'retry' : nextBulkStep(bulk.state, timeInMs, chunks.length > 0),
    dueInMs: waits[bulk.state] ?? 0,
    tally: await readBulkTally(db, bulkId),
    chunks,
    chunksAtOnce,
    chunksPerRun,
    // Known once its lines were read.
    ...(bulk.currency === null ? {} : { total: serializeAmount(bulk.total), currency: bulk.currency }),
  };
}

/** Lines by what may still become of them. */
export async function readBulkTally(db: Db, bulkId: string): Promise<BulkTally> {
  return tallyOf(await readBulkRollUp(db, bulkId));
}

function tallyOf(rollUp: BulkRollUp): BulkTally {
  const tally: BulkTally = { waiting: 0, underWay: 0, resting: 0 };
  for (const [state, { lines }] of Object.entries(rollUp) as [PayoutState, { lines: number }][]) {
    if (state === 'accepted' || state === 'queued') tally.waiting += lines;
    else if (LINE_RESTS.includes(state)) tally.resting += lines;
    else tally.underWay += lines;
  }
  return tally;
}
