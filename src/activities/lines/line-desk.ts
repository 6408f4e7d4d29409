import { callOf } from '../../db/line-intents';
import type { OpenLine } from '../../db/open-lines';
import { isPastLastLook, isWindowOver } from '../../domain/payout';
import type { Payout } from '../../domain/payout';
import { isOpenCall } from '../../domain/submission';
import { gapAfter } from '../poll';
import type { TakenLine } from './ask-lines';

/** A line whose end is awaited. */
interface Awaited extends TakenLine {
  /**
   * How its end comes to be known. `ask`: by the provider's reference. `seek_alone`: its answer is lost. `seek_together`: it
   * left in a batch, whose lines are looked for together, also when they were seen in flight: one page shows many of them.
   */
  by: 'ask' | 'seek_alone' | 'seek_together';
  /** When it is looked at next, and since when it is as it is; milliseconds since the epoch. */
  nextAt: number;
  since: number;
  tried: boolean;
  /** When the last look at it that was completed began; 0: none was. */
  lookedAt: number;
}

interface Silent {
  payoutId: string;
  submissionId: string;
  sendBy: number;
}

export interface LineDesk {
  /** Lines whose turn has come, of one credential; they are the caller's until `putBack` or `note`. */
  takeDue(most: (lines: readonly Payout[]) => number): readonly Payout[];
  /** Lines that were taken and not sent. */
  putBack(lines: readonly Payout[]): void;
  /** What lines have become; of those that left just now, whether together in a batch or each by itself. */
  note(lines: readonly Payout[], sent?: { inBatch: boolean }): void;
  forget(payoutIds: readonly string[]): void;
  /** Lines that changed since this was asked last. */
  takeChanged(): readonly string[];
  /** Calls of an activity before this one that nobody will answer any more. */
  takeSilent(marginMs: number): readonly Omit<Silent, 'sendBy'>[];
  /** Lines whose end is to be looked at now, by the way in which it comes to be known. */
  takeAwaited(by: Awaited['by'], most?: number): readonly TakenLine[];
  /** Lines at which a look was completed that began at `since`. */
  noteLooked(payoutIds: readonly string[], since: number): void;
  /** Lines whose settlement window is over, each looked at once more after its end, or where that could not be done for long. */
  takeOverdue(): readonly Payout[];
  /** Lines of which nothing was heard for so long, and which may be better off by themselves. */
  slow(afterMs: number): readonly string[];
  /** True where nothing is left that may be heard of soon. */
  hasOnlySlow(afterMs: number): boolean;
}

/** What one activity knows of its chunk's lines: a copy, which the database's fences hold to the truth. */
export function createLineDesk(
  lines: readonly OpenLine[],
  { poll }: { poll: { firstMs: number; maxMs: number } },
): LineDesk {
  const waiting = new Map<string, Payout>();
  const silent = new Map<string, Silent>();
  const awaited = new Map<string, Awaited>();
  const changed = new Set<string>();
  const inBatches = new Set<string>();

  function forget(ids: readonly string[]): void {
    for (const map of [waiting, silent, awaited]) for (const id of ids) map.delete(id);
  }

  function place(payout: Payout, call: TakenLine['call']): void {
    forget([payout.id]);
    if (payout.owner !== `bulk/${payout.bulkId ?? ''}`) return;
    if (payout.state === 'queued') waiting.set(payout.id, payout);
    if (payout.state !== 'pending' && payout.state !== 'unknown') return;
    const since = payout.updatedAt.getTime();
    const isAsked = payout.state === 'pending' && call !== null;
    const by = inBatches.has(payout.id) ? 'seek_together' : isAsked ? 'ask' : 'seek_alone';
    const nextAt = by === 'seek_alone' ? Date.now() : Math.max(Date.now(), since + poll.firstMs);
    awaited.set(payout.id, { payout, call, by, nextAt, since, tried: false, lookedAt: 0 });
  }

  for (const { payout, submissions } of lines) {
    const open = submissions.filter(isOpenCall);
    if (open.some(({ batchId }) => batchId !== null)) inBatches.add(payout.id);
    place(payout, askableCall(open));
    const unanswered = open.find(({ outcome }) => outcome === null);
    if (payout.state === 'processing' && unanswered) {
      const { id: submissionId, payoutId, sendBy } = unanswered;
      silent.set(payoutId, { payoutId, submissionId, sendBy: sendBy.getTime() });
    }
  }

  const isSlow = ({ since }: Awaited, afterMs: number): boolean => Date.now() - since > afterMs;

  return {
    takeDue(most) {
      const due = [...waiting.values()].filter(({ retryAt }) => (retryAt?.getTime() ?? 0) <= Date.now());
      const together = due.filter(({ credentialId }) => credentialId === due[0]?.credentialId).slice(0, most(due));
      for (const { id } of together) waiting.delete(id);
      return together;
    },
    putBack(payouts) {
      for (const payout of payouts) waiting.set(payout.id, payout);
    },
    note(payouts, sent) {
      for (const payout of payouts) {
        if (sent?.inBatch === true) inBatches.add(payout.id);
        if (sent?.inBatch === false) inBatches.delete(payout.id);
        place(payout, callAfterAnswer(payout));
        changed.add(payout.id);
      }
    },
    forget,
    takeChanged() {
      const ids = [...changed];
      changed.clear();
      return ids;
    },
    takeSilent(marginMs) {
      const over = [...silent.values()].filter(({ sendBy }) => Date.now() > sendBy + marginMs);
      forget(over.map(({ payoutId }) => payoutId));
      return over.map(({ payoutId, submissionId }) => ({ payoutId, submissionId }));
    },
    takeAwaited(by, most) {
      const due = [...awaited.values()].filter((line) => line.by === by && line.nextAt <= Date.now()).slice(0, most);
      for (const line of due) {
        Object.assign(line, { tried: true, nextAt: Date.now() + gapAfter(Date.now() - line.since, poll) });
      }
      return due;
    },
    noteLooked(payoutIds, since) {
      for (const id of payoutIds) {
        const line = awaited.get(id);
        if (line) line.lookedAt = since;
      }
    },
    takeOverdue() {
      const over = [...awaited.values()].filter(isOverdue);
      forget(over.map(({ payout }) => payout.id));
      return over.map(({ payout }) => payout);
    },
    // Lines of one batch are looked for as cheaply together as one of them, and only together is a refused batch proven.
    slow: (afterMs) =>
      [...awaited.values()]
        .filter((line) => isSlow(line, afterMs) && line.by !== 'seek_together')
        .map(({ payout }) => payout.id),
    hasOnlySlow: (afterMs) =>
      silent.size === 0 && [...awaited.values()].every((line) => line.tried && isSlow(line, afterMs)),
  };
}

function isOverdue({ payout, lookedAt }: Awaited): boolean {
  const end = payout.settleBy?.getTime() ?? Infinity;
  return (isWindowOver(payout) && lookedAt >= end) || isPastLastLook(payout);
}

/** The call of a line whose status may be asked for; a line with several open ones is looked up closer. */
function askableCall(open: OpenLine['submissions']): TakenLine['call'] {
  const [call] = open;
  if (open.length !== 1 || call?.outcome !== 'accepted' || call.providerReference === null) return null;
  return { submissionId: call.id, credentialId: call.credentialId, providerReference: call.providerReference };
}

/** A line makes one call per attempt, and a new attempt only when every call before is proven unpaid. */
function callAfterAnswer(payout: Payout): TakenLine['call'] {
  const { credentialId, providerReference } = payout;
  return providerReference === null ? null : { submissionId: callOf(payout), credentialId, providerReference };
}
