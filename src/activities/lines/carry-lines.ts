import { setTimeout as sleep } from 'node:timers/promises';

import { cancellationSignal } from '@temporalio/activity';

import { readBulkTally } from '../../db/bulk-positions';
import { foldBulkMoves } from '../../db/bulk-roll-up';
import { findBulk } from '../../db/bulk-rows';
import { cancelWaitingLines } from '../../db/cancel-bulk-lines';
import { handOverLines } from '../../db/hand-over-lines';
import { listOpenLines } from '../../db/open-lines';
import { endSettlementWindow } from '../../db/positions';
import { queueLines } from '../../db/queue-lines';
import { recoverLines } from '../../db/recover-lines';
import { alarmOfLines, orAskPeople } from '../../db/refusals';
import type { Bulk } from '../../domain/bulk';
import type { Chunk, ChunkEnd } from '../../domain/chunk';
import { isPastLastLook, isWindowOver } from '../../domain/payout';
import type { Payout } from '../../domain/payout';
import type { Reason } from '../../domain/reasons';
import { whileBeating } from '../beating';
import type { BulkNotices } from '../bulk-notices';
import { createLineAsker } from './ask-lines';
import type { LinesLook } from './ask-lines';
import { createLineDesk } from './line-desk';
import type { LineDesk } from './line-desk';
import type { LineDeps } from './line-deps';
import { createLineSearch } from './search-lines';
import type { LineSearch } from './search-lines';
import { createLineSender } from './send-lines';
import { createTurns } from './turns';
import { whileFolding } from './while-folding';

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
  const sendInTurn = createTurns(bulks.callingAtOnce);
  const askInTurn = createTurns(bulks.callingAtOnce);

  return (chunk) => whileBeating(() => whileFolding(deps, chunk.bulkId, () => carry(chunk)));

  async function carry(chunk: Chunk): Promise<ChunkEnd> {
    const until = Date.now() + bulks.carryForMs;
    await queueLines(pool, chunk);
    const tellsOfEach = (await endStoppedLines(chunk.bulkId))?.notify === 'each';
    const desk = createLineDesk(await listOpenLines(pool, chunk), settings);
    const isOver = (): boolean => Date.now() > until || cancellationSignal().aborted;
    let waits: Reason | null = null;
    let isSending = true;
    const sending = sendInTurn(chunk.bulkId, () => send(chunk, desk, isOver))
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
    await endStoppedLines(chunk.bulkId);
    await foldBulkMoves(pool, chunk.bulkId);
    const left = await listOpenLines(pool, chunk);
    return { left: left.length, waits, tally: await readBulkTally(pool, chunk.bulkId) };
  }

  /**
   * Of a bulk that is being cancelled, lines that came back unsent since, or that whoever cancelled it did not come to: they do
   * not wait for those that are under way.
   */
  async function endStoppedLines(bulkId: string): Promise<Bulk | null> {
    const bulk = await findBulk(pool, bulkId);
    if (bulk?.state === 'stopping') {
      await cancelWaitingLines(pool, { bulkId, onRefused: alarmOfLines(deps.logger, bulkId) });
    }
    return bulk;
  }

  /** Until nothing is due to be sent, or something keeps all of it. */
  async function send(chunk: Chunk, desk: LineDesk, isOver: () => boolean): Promise<Reason | null> {
    if (chunk.followsOnly) return null;
    const sender = createLineSender(deps, chunk.bulkId);
    for (let lines = desk.takeDue(sender.atOnce); lines.length > 0; lines = desk.takeDue(sender.atOnce)) {
      if (isOver()) return null;
      const sent = await sender.send(lines);
      desk.note(sent.lines, { inBatch: sent.inBatch });
      desk.putBack(sent.unsent);
      if (sent.stopped.length > 0) desk.forget(await giveAway(chunk.bulkId, sent.stopped));
      if (sent.waits !== null) return sent.waits;
    }
    return null;
  }

  async function follow({ bulkId }: Chunk, desk: LineDesk, isOver: () => boolean): Promise<void> {
    const ask = createLineAsker(deps, bulkId);
    const search = createLineSearch(deps, bulkId);
    const onRefused = alarmOfLines(deps.logger, bulkId);
    while (!isOver()) {
      desk.note(await recoverLines(pool, { bulkId, calls: desk.takeSilent(settings.sendByMarginMs), onRefused }));
      const asked = desk.takeAwaited('ask', bulks.microBatch);
      if (asked.length > 0) await askInTurn(bulkId, () => look(desk, () => ask(asked)));
      const lost = desk.takeAwaited('seek_alone').map(({ payout }) => payout);
      const gone = await giveAway(bulkId, idsOf(lost.filter((line) => !isWindowOver(line))));
      desk.forget(gone);
      // A few go to runs of their own, which look them up one by one; the rest is looked for together.
      const sought = lost.filter(({ id }) => !gone.includes(id));
      sought.push(...desk.takeAwaited('seek_together').map(({ payout }) => payout));
      if (sought.length > 0) await look(desk, () => search.find(sought));
      const overdue = desk.takeOverdue();
      if (overdue.length > 0) await endWindows(overdue, { desk, search });
      if (asked.length === 0 && sought.length === 0) await sleep(IDLE_MS);
    }
    desk.forget(await giveAway(bulkId, desk.slow(bulks.slowAfterMs)));
  }

  async function look(desk: LineDesk, work: () => Promise<LinesLook>): Promise<void> {
    const since = Date.now();
    const { learnt, looked } = await work();
    desk.note(learnt);
    desk.noteLooked(looked, since);
  }

  /** People decide, but for lines of a batch that is proven refused. */
  async function endWindows(
    overdue: readonly Payout[],
    { desk, search }: { desk: LineDesk; search: LineSearch },
  ): Promise<void> {
    const { learnt, looked } = await search.proveRefused(overdue);
    desk.note(learnt);
    const refused = new Set(idsOf(learnt));
    for (const line of overdue) {
      if (refused.has(line.id)) continue;
      // What could not be looked for is looked for again.
      if (!looked.includes(line.id) && !isPastLastLook(line)) desk.note([line]);
      else await orAskPeople(deps, line.id, () => endSettlementWindow(pool, line.id));
    }
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

  function giveAway(bulkId: string, payoutIds: readonly string[]): Promise<readonly string[]> {
    const onRefused = alarmOfLines(deps.logger, bulkId);
    return handOverLines(pool, { bulkId, payoutIds, most: bulks.handOverMost, onRefused });
  }
}

function idsOf(lines: readonly Payout[]): readonly string[] {
  return lines.map(({ id }) => id);
}
