import type { Logger } from 'pino';

import type { PayoutStart } from '../domain/payout-start';
import type { PayoutRuns } from './payout-runs';

export interface StartQueueOptions {
  runs: Pick<PayoutRuns, 'start'>;
  logger: Logger;
  /** Starts under way at once; with 0 all are left to the sweeper. */
  atOnce: number;
  /** True while payouts wait to be accepted: accepting comes first. */
  isBusy: () => boolean;
}

/** Milliseconds between two starts while accepting comes first. */
const BUSY_GAP_MS = 100;

/** Payouts that wait for their start here; the sweeper starts what is beyond, and what a process leaves when it ends. */
const MOST_WAITING = 10_000;

/** Starts runs without being awaited: a few at once, and one now and then while many payouts are being accepted. */
export function createStartQueue({ runs, logger, atOnce, isBusy }: StartQueueOptions): (payout: PayoutStart) => void {
  const waiting: PayoutStart[] = [];
  let underWay = 0;
  let isPausing = false;

  function startNext(): void {
    while (waiting.length > 0 && underWay < atOnce && !isPausing) {
      const payout = waiting.shift();
      if (payout) void start(payout);
      if (isBusy()) pause();
    }
  }

  function pause(): void {
    isPausing = true;
    setTimeout(() => {
      isPausing = false;
      startNext();
    }, BUSY_GAP_MS).unref();
  }

  async function start(payout: PayoutStart): Promise<void> {
    underWay += 1;
    try {
      await runs.start(payout);
    } catch (err) {
      logger.warn({ err, payoutId: payout.id }, 'the run was not started; the sweeper will');
    }
    underWay -= 1;
    startNext();
  }

  return (payout) => {
    if (atOnce > 0 && waiting.length < MOST_WAITING) waiting.push(payout);
    startNext();
  };
}
