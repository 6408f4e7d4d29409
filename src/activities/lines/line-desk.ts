import { callOf } from '../../db/line-intents';
import type { OpenLine } from '../../db/open-lines';
import type { Payout } from '../../domain/payout';
import { isOpenCall } from '../../domain/submission';
import { gapAfter } from '../poll';
import type { TakenLine } from './ask-lines';

interface Timed {
  /** When it is looked at next, and since when it is as it is; milliseconds since the epoch. */
  nextAt: number;
  since: number;
}

interface Silent {
  payoutId: string;
  submissionId: string;
  sendBy: number;
}

export interface LineDesk {
  /** Lines whose turn has come, of one credential; they are the caller's until `putBack` or `note`. */
  takeDue(most: number): readonly Payout[];
  /** Lines that were taken and not sent. */
  putBack(lines: readonly Payout[]): void;
  /** What lines have become. */
  note(lines: readonly Payout[]): void;
  forget(payoutIds: readonly string[]): void;
  /** Lines that changed since this was asked last. */
  takeChanged(): readonly string[];
  /** Calls of an activity before this one that nobody will answer any more. */
  takeSilent(marginMs: number): readonly Omit<Silent, 'sendBy'>[];
  /** Lines that the provider has and that are to be asked for now. */
  takeAsked(most: number): readonly TakenLine[];
  /** Lines whose answer is lost and that are to be looked for now. */
  takeLost(): readonly Payout[];
  /** Lost ones that were looked for, and not found: until when they are left alone. */
  waitFor(lines: readonly Payout[]): void;
  /** Lines whose settlement window is over. */
  takeOverdue(): readonly string[];
  /** Lines of which nothing was heard for so long. */
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
  const taken = new Map<string, TakenLine & Timed>();
  const changed = new Set<string>();
  const lost = new Map<string, { payout: Payout; looked: boolean } & Timed>();

  function forget(ids: readonly string[]): void {
    for (const map of [waiting, silent, taken, lost]) for (const id of ids) map.delete(id);
  }

  function place(payout: Payout, call: TakenLine['call']): void {
    forget([payout.id]);
    const since = payout.updatedAt.getTime();
    const timed = { nextAt: Math.max(Date.now(), since + poll.firstMs), since };
    if (payout.owner !== `bulk/${payout.bulkId ?? ''}`) return;
    if (payout.state === 'queued') waiting.set(payout.id, payout);
    if (payout.state === 'pending') taken.set(payout.id, { payout, call, ...timed });
    if (payout.state === 'unknown') lost.set(payout.id, { payout, looked: false, ...timed, nextAt: Date.now() });
  }

  for (const line of lines) {
    const open = line.submissions.filter(isOpenCall);
    const unanswered = open.find(({ outcome }) => outcome === null);
    place(line.payout, askableCall(open));
    if (line.payout.state === 'processing' && unanswered) {
      const { id: submissionId, payoutId, sendBy } = unanswered;
      silent.set(payoutId, { payoutId, submissionId, sendBy: sendBy.getTime() });
    }
  }

  const timedLines = (): (Timed & { payout: Payout })[] => [...taken.values(), ...lost.values()];
  const isSlow = ({ since }: Timed, afterMs: number): boolean => Date.now() - since > afterMs;

  return {
    takeDue(most) {
      const due = [...waiting.values()].filter(({ retryAt }) => (retryAt?.getTime() ?? 0) <= Date.now());
      const together = due.filter(({ credentialId }) => credentialId === due[0]?.credentialId).slice(0, most);
      for (const { id } of together) waiting.delete(id);
      return together;
    },
    putBack(payouts) {
      for (const payout of payouts) waiting.set(payout.id, payout);
    },
    note(payouts) {
      for (const payout of payouts) {
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
    takeAsked(most) {
      const due = [...taken.values()].filter(({ nextAt }) => nextAt <= Date.now()).slice(0, most);
      for (const line of due) line.nextAt = Date.now() + gapAfter(Date.now() - line.since, poll);
      return due;
    },
    takeLost: () => [...lost.values()].filter(({ nextAt }) => nextAt <= Date.now()).map(({ payout }) => payout),
    waitFor(payouts) {
      for (const { id } of payouts) {
        const line = lost.get(id);
        if (line) Object.assign(line, { looked: true, nextAt: Date.now() + gapAfter(Date.now() - line.since, poll) });
      }
    },
    takeOverdue() {
      const over = timedLines().filter(
        ({ payout: { settleBy } }) => settleBy !== null && settleBy.getTime() <= Date.now(),
      );
      const ids = over.map(({ payout }) => payout.id);
      forget(ids);
      return ids;
    },
    slow: (afterMs) =>
      timedLines()
        .filter((line) => isSlow(line, afterMs))
        .map(({ payout }) => payout.id),
    hasOnlySlow: (afterMs) =>
      silent.size === 0 &&
      [...taken.values()].every((line) => isSlow(line, afterMs)) &&
      [...lost.values()].every((line) => line.looked && isSlow(line, afterMs)),
  };
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
