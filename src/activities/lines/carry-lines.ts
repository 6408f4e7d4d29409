import { setTimeout as sleep } from 'node:timers/promises';

import { cancellationSignal } from '@temporalio/activity';

import { readBulkTally } from '../../db/bulk-positions';
import { foldBulkMoves } from '../../db/bulk-roll-up';
import { findBulk } from '../../db/bulk-rows';
import { handOverLines } from '../../db/hand-over-lines';
import { listOpenLines } from '../../db/open-lines';
import { endSettlementWindow } from '../../db/positions';
import { queueLines } from '../../db/queue-lines';
import { recoverLines } from '../../db/recover-lines';
import { listSubmissionsOf } from '../../db/submissions';
import type { Chunk, ChunkEnd } from '../../domain/chunk';
import type { Payout } from '../../domain/payout';
import type { Reason } from '../../domain/reasons';
import { isOpenCall } from '../../domain/submission';
import { whileBeating } from '../beating';
import type { BulkNotices } from '../bulk-notices';
import { createLineAsker } from './ask-lines';
import { createLineDesk } from './line-desk';
import type { LineDesk } from './line-desk';
import type { LineDeps } from './line-deps';
import { createLineSearch } from './search-lines';
import { createLineSender } from './send-lines';

/** Milliseconds that a loop with nothing due waits before it looks again. */
const IDLE_MS = 25;

/**
 * Carries the lines of a chunk: sends them in micro-batches, one at a time, and asks for those that left beside it. What it
 * begins with is read from the database, whoever carried the chunk before. It ends when no line is left, or those that
 * are wait for longer than it should.
 */
export function createCarryLines(
  deps: LineDeps & { notices: Pick<BulkNotices, 'tryLines'> },
): (chunk: Chunk) => Promise<ChunkEnd> {
  const { pool, settings, bulks, notices } = deps;

  return (chunk) => whileBeating(() => carry(chunk));

  async function carry(chunk: Chunk): Promise<ChunkEnd> {
    const until = Date.now() + bulks.carryForMs;
    await queueLines(pool, chunk);
    const tellsOfEach = (await findBulk(pool, chunk.bulkId))?.notify === 'each';
    const desk = createLineDesk(await listOpenLines(pool, chunk), settings);
    const isOver = (): boolean => Date.now() > until || cancellationSignal().aborted;
    let waits: Reason | null = null;
    let isSending = true;
    const sending = send(chunk, desk, isOver)
      .then((reason) => {
        waits = reason;
      })
      .finally(() => {
        isSending = false;
      });
    const following = follow(chunk, desk, () => isOver() || (!isSending && desk.hasOnlySlow(bulks.slowAfterMs)));
    let isMoving = true;
    const moving = Promise.all([sending, following]).finally(() => {
      isMoving = false;
    });
    await Promise.all([moving, tellsOfEach ? tell(desk, () => isMoving) : undefined]);
    await foldBulkMoves(pool, chunk.bulkId);
    const left = await listOpenLines(pool, chunk);
    return { left: left.length, waits, tally: await readBulkTally(pool, chunk.bulkId) };
  }

  /** Until nothing is due to be sent, or something keeps all of it. */
  async function send(chunk: Chunk, desk: LineDesk, isOver: () => boolean): Promise<Reason | null> {
    const sendLines = createLineSender(deps, chunk.bulkId);
    for (let lines = desk.takeDue(bulks.microBatch); lines.length > 0; lines = desk.takeDue(bulks.microBatch)) {
      if (isOver()) return null;
      const sent = await sendLines(lines);
      desk.note(sent.lines);
      desk.putBack(sent.unsent);
      if (sent.stopped.length > 0) desk.forget(await giveAway(chunk.bulkId, sent.stopped));
      if (sent.waits !== null) return sent.waits;
    }
    return null;
  }

  async function follow(chunk: Chunk, desk: LineDesk, isOver: () => boolean): Promise<void> {
    const ask = createLineAsker(deps, chunk.bulkId);
    const search = createLineSearch(deps, chunk.bulkId);
    while (!isOver()) {
      desk.note(await recoverLines(pool, { bulkId: chunk.bulkId, calls: desk.takeSilent(settings.sendByMarginMs) }));
      const asked = desk.takeAsked(bulks.microBatch);
      desk.note(await ask(asked));
      const lost = desk.takeLost();
      if (lost.length > 0) await findLost(chunk, desk, lost, search);
      await endWindows(desk);
      if (asked.length === 0 && lost.length === 0) await sleep(IDLE_MS);
    }
    desk.forget(await giveAway(chunk.bulkId, desk.slow(bulks.slowAfterMs)));
  }

  /** Tells of lines that came to an end, beside the others' sending; what is not told now is told later. */
  async function tell(desk: LineDesk, isMoving: () => boolean): Promise<void> {
    for (;;) {
      // Looked at before what is taken, so that the last ones are told of too.
      const isLast = !isMoving();
      const changed = desk.takeChanged();
      if (changed.length > 0) await tryNotices(changed);
      else if (isLast) return;
      else await sleep(IDLE_MS);
    }
  }

  async function tryNotices(payoutIds: readonly string[]): Promise<void> {
    try {
      await notices.tryLines(payoutIds);
    } catch (err) {
      deps.logger.warn({ err }, 'webhooks of lines could not be tried; they are drained later');
    }
  }

  /** A few go to runs of their own, which look them up one by one; the rest is looked for together. */
  async function findLost(
    { bulkId }: Chunk,
    desk: LineDesk,
    lost: readonly Payout[],
    search: ReturnType<typeof createLineSearch>,
  ): Promise<void> {
    const gone = new Set(
      await giveAway(
        bulkId,
        lost.map(({ id }) => id),
      ),
    );
    desk.forget([...gone]);
    const kept = lost.filter(({ id }) => !gone.has(id));
    if (kept.length === 0) return;
    const submissions = await listSubmissionsOf(
      pool,
      kept.map(({ id }) => id),
    );
    const calls = kept.flatMap((payout) =>
      (submissions.get(payout.id) ?? []).filter(isOpenCall).map((submission) => ({ payout, submission })),
    );
    for (const credentialId of new Set(calls.map(({ submission }) => submission.credentialId))) {
      desk.note(await search(calls.filter(({ submission }) => submission.credentialId === credentialId)));
    }
    desk.waitFor(kept);
  }

  async function endWindows(desk: LineDesk): Promise<void> {
    for (const id of desk.takeOverdue()) await endSettlementWindow(pool, id);
  }

  function giveAway(bulkId: string, payoutIds: readonly string[]): Promise<readonly string[]> {
    return handOverLines(pool, { bulkId, payoutIds, most: bulks.handOverMost });
  }
}
