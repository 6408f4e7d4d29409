import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';

import type { PayoutState } from '../domain/payout-state';
import type { Position } from '../domain/position';
import { deliverPayoutWebhooks, steps } from './activity-proxies';
import { decisionRecorded, payoutChanged, payoutProgress, providerReported } from './messages';
import { timeIn } from './time-in';

const STATUS = defineSearchAttributeKey('CauriStatus', SearchAttributeType.KEYWORD);

/** What a run of one payout listens to, waits for and shows. Holds no truth about the payout: that is PostgreSQL's. */
export interface PayoutRun {
  /** Waits, but not longer than until somebody says that something changed. True where somebody did. */
  wait(ms: number): Promise<boolean>;
  /** The answer, or null where somebody said that something changed before it came. */
  orNews<T>(answer: Promise<T>): Promise<T | null>;
  /** Shows where the payout stands: status for searches, a table for people. */
  show(position: Position): void;
  /** Delivers the payout's webhooks once, where there may be new ones. */
  notify(position: Position): Promise<void>;
}

/** Registers the handlers of a run, before anything awaits. */
export function createPayoutRun(payoutId: string): PayoutRun {
  let toldNews = 0;
  let heardNews = 0;
  let shown: Position | null = null;
  let nextAt: string | null = null;
  let status: PayoutState | null = null;
  let notifiedVersion = 0;
  const wake = (): void => {
    toldNews += 1;
  };
  const isNews = (): boolean => toldNews > heardNews;

  setHandler(providerReported, wake);
  setHandler(decisionRecorded, wake);
  setHandler(payoutChanged, wake);
  setHandler(payoutProgress, () => ({ step: shown?.step ?? 'taking_up', nextAt }));
  cancelPayoutWithRun(payoutId, wake);

  return {
    async wait(ms) {
      nextAt = timeIn(ms);
      const heard = await condition(isNews, ms);
      heardNews = toldNews;
      nextAt = null;
      return heard;
    },

    async orNews(answer) {
      let answered = false;
      const news = condition(() => answered || isNews()).then(() => null);
      try {
        const first = await Promise.race([answer, news]);
        if (first === null) heardNews = toldNews;
        return first;
      } finally {
        answered = true;
      }
    },

    show(position) {
      shown = position;
      setCurrentDetails(describe(position));
      if (position.state === status) return;
      // The first status was set with the start; one more event for what lasts a moment would only cost.
      const isFirst = status === null && (position.state === 'queued' || position.state === 'scheduled');
      if (position.askAtOnceMs) return;
      if (!isFirst) upsertSearchAttributes([{ key: STATUS, value: position.state }]);
      status = position.state;
    },

    async notify(position) {
      if (position.version === notifiedVersion) return;
      notifiedVersion = position.version;
      // A webhook that could not be tried is the sweeper's; it never holds up the payout.
      await deliverPayoutWebhooks(payoutId).catch(() => undefined);
    },
  };
}

/** Cancelling the run means cancelling the payout while nothing of it may have left, and nothing afterwards (rule 18). */
function cancelPayoutWithRun(payoutId: string, wake: () => void): void {
  CancellationScope.current()
    .cancelRequested.catch(() => CancellationScope.nonCancellable(() => steps.cancelFromRun(payoutId)))
    .then(wake, wake);
}

/** Times, not spans: the table stands as it was written until the run has something new to show. */
function describe(position: Position): string {
  const { amount, currency, settleInMs } = position;
  return [
    `| payout | ${position.payoutId} |`,
    '|---|---|',
    `| state | **${position.state}** (${position.reason}) |`,
    ...(amount === undefined ? [] : [`| amount in minor units | ${amount} ${currency} |`]),
    `| merchant | ${position.merchantId}, ${position.environment} |`,
    `| next step | ${position.step}, due ${timeIn(position.dueInMs)} |`,
    `| attempt | ${position.attempt} |`,
    `| settlement window ends | ${settleInMs === null ? '–' : timeIn(settleInMs)} |`,
    `| method | ${position.method} by ${position.provider} |`,
    `| provider's last code | ${position.providerCode ?? '–'} |`,
  ].join('\n');
}
