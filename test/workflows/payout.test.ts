import { stillPending } from '../../src/activities/failures';
import type { Activities } from '../../src/activities/activities';
import type { PayoutState } from '../../src/domain/payout-state';
import type { Position } from '../../src/domain/position';
import type { Step } from '../../src/domain/resume';
import {
  DECISION_RECORDED_SIGNAL,
  PAYOUT_CHANGED_SIGNAL,
  PAYOUT_PROGRESS_QUERY,
  PAYOUT_WORKFLOW,
  PROVIDER_REPORTED_SIGNAL,
} from '../../src/workflows/contract';
import type { PayoutProgress, PayoutResult } from '../../src/workflows/contract';
import { uniqueName } from '../helpers/temporal-server';
import { afterFailures, createSkippingWorld, inTurn } from './skipping-world';
import type { ScriptedRun, SkippingWorld } from './skipping-world';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The state in which a payout usually is when its run has this step before it. */
const STATE_OF: Readonly<Record<Step, PayoutState>> = {
  leave_to_bulk: 'accepted',
  wait_for_time: 'scheduled',
  wait_for_turn: 'queued',
  send: 'queued',
  wait_for_outcome: 'processing',
  recover: 'processing',
  poll: 'pending',
  look_up: 'unknown',
  await_decision: 'in_review',
  close: 'succeeded',
};

let version = 0;

function at(step: Step, rest: Partial<Position> = {}): Position {
  version += 1;
  return {
    payoutId: 'po_stand_in',
    merchantId: 'mer_1',
    environment: 'sandbox',
    method: 'orange_sn',
    provider: 'orange',
    state: STATE_OF[step],
    reason: 'accepted_by_api',
    version,
    attempt: 1,
    step,
    dueInMs: 0,
    settleInMs: step === 'poll' || step === 'look_up' ? DAY : null,
    ...rest,
  };
}

describe('payoutWorkflow', () => {
  let world: SkippingWorld;

  beforeAll(async () => {
    world = await createSkippingWorld();
  });
  afterAll(() => world.close());

  /** Starts a run whose payout is where `takeUp` says; the cheap steps that every run may take answer as in good times. */
  async function run(
    takeUp: Position | Activities['takeUp'],
    script: Partial<Activities>,
  ): Promise<ScriptedRun<PayoutResult>> {
    const payoutId = uniqueName('po');
    const own = (position: Position): Position => ({ ...position, payoutId });
    const owned = Object.entries(script).map(([name, stand]) => [
      name,
      async (input: never) => {
        const answer: unknown = await (stand as (given: never) => Promise<unknown>)(input);
        return isPosition(answer) ? own(answer) : answer;
      },
    ]);
    return await world.start<PayoutResult>(PAYOUT_WORKFLOW, payoutId, [payoutId], {
      takeUp: typeof takeUp === 'function' ? takeUp : () => Promise.resolve(own(takeUp)),
      authenticate: () => Promise.resolve({ tokenVersion: 7 }),
      encryptPin: () => Promise.resolve({ keyId: 'key_1', pinVersion: 1 }),
      deliverPayoutWebhooks: () => Promise.resolve({ delivered: 1, failed: 0 }),
      ...(Object.fromEntries(owned) as Partial<Activities>),
    });
  }

  function isPosition(answer: unknown): answer is Position {
    return typeof answer === 'object' && answer !== null && 'step' in answer;
  }

  describe('the story', () => {
    test('a scheduled payout waits three days, and is then sent, polled and told of', async () => {
      const started = await run(at('wait_for_time', { dueInMs: 3 * DAY }), {
        releaseScheduled: inTurn(at('send')),
        submitPayout: inTurn(at('poll')),
        pollStatus: inTurn(at('close')),
      });
      await expect(started.result()).resolves.toEqual({ payoutId: started.id, state: 'succeeded' });
      expect(started.names().filter((name) => name !== 'deliverPayoutWebhooks')).toEqual([
        'takeUp',
        'releaseScheduled',
        'authenticate',
        'encryptPin',
        'submitPayout',
        'pollStatus',
      ]);
      const workflowMs = await started.workflowMs();
      expect(workflowMs).toBeGreaterThanOrEqual(3 * DAY);
      expect(workflowMs).toBeLessThan(3 * DAY + HOUR);
    });

    test('submit is given ids only: payout, attempt and the version of the token', async () => {
      const started = await run(at('send', { attempt: 3 }), { submitPayout: inTurn(at('close')) });
      await started.result();
      expect(started.calls.find(({ name }) => name === 'submitPayout')?.input).toEqual({
        payoutId: started.id,
        attempt: 3,
        tokenVersion: 7,
      });
    });

    test('webhooks are never tried between taking the payout up and the end of submit', async () => {
      let deliveredDuringSubmit = false;
      const started = await run(at('wait_for_turn', { dueInMs: MINUTE }), {
        readPayout: inTurn(at('send')),
        submitPayout: async () => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          deliveredDuringSubmit = started.names().includes('deliverPayoutWebhooks');
          return at('poll');
        },
        pollStatus: inTurn(at('close')),
      });
      await started.result();
      expect(deliveredDuringSubmit).toBe(false);
      const names = started.names();
      expect(names.slice(0, 5)).toEqual(['takeUp', 'readPayout', 'authenticate', 'encryptPin', 'submitPayout']);
      expect(names.slice(5).toSorted()).toEqual(['deliverPayoutWebhooks', 'deliverPayoutWebhooks', 'pollStatus']);
      expect(names.at(-1)).toBe('deliverPayoutWebhooks');
    });

    test('what was taken just now is asked for at once, and its webhooks come with that answer', async () => {
      const started = await run(at('send'), {
        submitPayout: inTurn(at('poll', { askAtOnceMs: 5_000 })),
        pollAtOnce: inTurn(at('close')),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().slice(3)).toEqual(['submitPayout', 'pollAtOnce', 'deliverPayoutWebhooks']);
      expect(started.calls.find(({ name }) => name === 'pollAtOnce')?.input).toEqual({
        payoutId: started.id,
        forMs: 5_000,
      });
    });

    test('where that gives no answer, the provider is asked by an activity of its own, and webhooks wait no longer', async () => {
      const started = await run(at('send'), {
        submitPayout: inTurn(at('poll', { askAtOnceMs: 5_000 })),
        pollAtOnce: inTurn(at('poll', { askAtOnceMs: 0 })),
        pollStatus: async () => {
          await started.untilCalled('deliverPayoutWebhooks');
          return at('close');
        },
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      const names = started.names().filter((name) => name !== 'deliverPayoutWebhooks');
      expect(names.slice(3)).toEqual(['submitPayout', 'pollAtOnce', 'pollStatus']);
    });

    test('webhooks that cannot be tried are tried once and do not hold up the final state', async () => {
      const started = await run(at('close', { state: 'failed' }), {
        deliverPayoutWebhooks: inTurn<never>(new Error('no database')),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'failed' });
      expect(started.names()).toEqual(['takeUp', 'deliverPayoutWebhooks']);
    });

    test('a line of a bulk is left to its bulk', async () => {
      const started = await run(at('leave_to_bulk'), {});
      await expect(started.result()).resolves.toMatchObject({ state: 'accepted' });
      expect(started.names()).not.toContain('submitPayout');
    });
  });

  describe('sending', () => {
    test.each(['authenticate', 'encryptPin'] as const)('nothing is submitted where %s gives nothing', async (step) => {
      const started = await run(at('send'), {
        [step]: () => Promise.resolve(null),
        readPayout: inTurn(at('wait_for_turn', { dueInMs: HOUR }), at('close', { state: 'cancelled' })),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'cancelled' });
      expect(started.names()).not.toContain('submitPayout');
      expect(started.names()).toContain('readPayout');
    });

    test('a submit that fails is not repeated: the attempt is recovered from what was written', async () => {
      const started = await run(at('send', { attempt: 2 }), {
        submitPayout: inTurn<Position>(new Error('the worker broke')),
        recoverAttempt: inTurn(at('look_up', { attempt: 2 })),
        lookUpPayout: inTurn(at('close')),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().filter((name) => name === 'submitPayout')).toHaveLength(1);
      expect(started.calls.filter(({ name }) => name === 'recoverAttempt').map(({ input }) => input)).toEqual([
        { payoutId: started.id, attempt: 2 },
      ]);
    });

    test('a submit whose worker falls silent is not repeated either', async () => {
      let release = (): void => undefined;
      const silent = new Promise<void>((resolve) => (release = resolve));
      const started = await run(at('send'), {
        submitPayout: async () => {
          await silent;
          return at('close');
        },
        recoverAttempt: inTurn(at('close', { state: 'failed' })),
      });
      // The engine hears no heartbeat for ten seconds, which pass in real time while an activity is at work.
      await started.untilCalled('recoverAttempt').finally(release);
      await expect(started.result()).resolves.toMatchObject({ state: 'failed' });
      expect(started.names().filter((name) => name === 'submitPayout')).toHaveLength(1);
    });

    test('an attempt that somebody else has under way is waited for, and then recovered', async () => {
      const started = await run(at('wait_for_outcome', { dueInMs: 30_000 }), {
        readPayout: inTurn(at('recover')),
        recoverAttempt: inTurn(at('close', { state: 'failed' })),
      });
      await started.result();
      expect(started.names().slice(0, 3)).toEqual(['takeUp', 'readPayout', 'recoverAttempt']);
      expect(await started.workflowMs()).toBeGreaterThanOrEqual(30_000);
    });
  });

  describe('waiting for the final answer', () => {
    test('24 hours of polling are retries of one activity, in one event', async () => {
      const started = await run(at('poll', { settleInMs: 2 * DAY }), {
        pollStatus: afterFailures(24, () => stillPending(HOUR), at('close')),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().filter((name) => name === 'pollStatus')).toHaveLength(25);
      expect(await started.workflowMs()).toBeGreaterThanOrEqual(DAY);
      const { events } = await started.handle.fetchHistory();
      const polls = events?.filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'pollStatus',
      );
      expect(polls).toHaveLength(1);
    });

    test('when the settlement window is over before the next poll, people are asked', async () => {
      const started = await run(at('poll', { settleInMs: DAY }), {
        pollStatus: () => Promise.reject(stillPending(HOUR)),
        readPayout: inTurn(at('poll', { settleInMs: 0 })),
        endSettlementWindow: inTurn(at('close', { state: 'succeeded' })),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().filter((name) => name === 'endSettlementWindow')).toHaveLength(1);
      const workflowMs = await started.workflowMs();
      // The engine gives up where the next try would come too late: an hour before the window ends at the earliest.
      expect(workflowMs).toBeGreaterThanOrEqual(23 * HOUR);
      expect(workflowMs).toBeLessThanOrEqual(DAY + MINUTE);
    });

    test('the rest of the window after the last poll is waited for', async () => {
      const started = await run(at('look_up', { settleInMs: HOUR }), {
        lookUpPayout: () => Promise.reject(stillPending(25 * MINUTE)),
        readPayout: inTurn(at('look_up', { settleInMs: 10 * MINUTE }), at('look_up', { settleInMs: 0 })),
        endSettlementWindow: inTurn(at('close', { state: 'failed' })),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'failed' });
      expect(started.names().filter((name) => name === 'endSettlementWindow')).toHaveLength(1);
    });

    test('a window that was over when the run took the payout up is not asked in any more', async () => {
      const started = await run(at('look_up', { settleInMs: 0 }), {
        endSettlementWindow: inTurn(at('close', { state: 'failed' })),
      });
      await started.result();
      expect(started.names()).toEqual(['takeUp', 'endSettlementWindow', 'deliverPayoutWebhooks']);
    });

    test.each([
      ['poll', 'pollStatus'],
      ['look_up', 'lookUpPayout'],
    ] as const)(
      'a report of the provider during a long gap (%s) makes it ask again at once',
      async (step, activity) => {
        const started = await run(at(step), {
          [activity]: inTurn<Position>(stillPending(6 * HOUR), at('close')),
          readPayout: inTurn(at(step)),
        });
        await started.untilCalled(activity);
        await started.handle.signal(PROVIDER_REPORTED_SIGNAL, 'cb_1');
        // Time is not skipped here: six hours would not pass.
        await started.untilCalled(activity, 2);
        await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
        expect(await started.workflowMs()).toBeLessThan(HOUR);
      },
    );
  });

  describe('waiting for a turn', () => {
    test('a wait without end goes on as a new run of the same chain', async () => {
      const chains: string[] = [];
      const started = await run(
        ({ payoutId, chainId }) => {
          chains.push(chainId);
          const position = chains.length === 1 ? at('wait_for_turn', { dueInMs: MINUTE }) : at('close');
          return Promise.resolve({ ...position, payoutId });
        },
        { readPayout: () => Promise.resolve(at('wait_for_turn', { dueInMs: 10 * MINUTE })) },
      );
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      const first = started.handle.firstExecutionRunId;
      expect(chains).toEqual([first, first]);
      expect(started.names().filter((name) => name === 'readPayout')).toHaveLength(200);
      expect(started.names()).not.toContain('submitPayout');
    });

    test.each([
      ['wait_for_turn', PAYOUT_CHANGED_SIGNAL, 'readPayout'],
      ['wait_for_time', PAYOUT_CHANGED_SIGNAL, 'releaseScheduled'],
      ['await_decision', DECISION_RECORDED_SIGNAL, 'readPayout'],
    ] as const)('a run in %s is woken by %s and reads the payout again', async (step, signal, reads) => {
      const started = await run(at(step, { dueInMs: DAY }), { [reads]: inTurn(at('close', { state: 'cancelled' })) });
      await untilWaiting(started);
      expect(started.names()).not.toContain(reads);
      await started.handle.signal(signal, 'id_1');
      await started.untilCalled(reads);
      await expect(started.result()).resolves.toMatchObject({ state: 'cancelled' });
      expect(await started.workflowMs()).toBeLessThan(HOUR);
    });

    test('a run in review reads the payout again by itself every six hours', async () => {
      const started = await run(at('await_decision'), {
        readPayout: inTurn(at('await_decision'), at('close', { state: 'failed' })),
      });
      await expect(started.result()).resolves.toMatchObject({ state: 'failed' });
      expect(await started.workflowMs()).toBeGreaterThanOrEqual(12 * HOUR);
    });

    test('the run tells when it goes on', async () => {
      const started = await run(at('wait_for_turn', { dueInMs: HOUR }), { readPayout: inTurn(at('close')) });
      const { step, nextAt } = await untilWaiting(started);
      expect(step).toBe('wait_for_turn');
      const { startTime } = await started.handle.describe();
      const inMs = Date.parse(nextAt) - startTime.getTime();
      expect(inMs).toBeGreaterThanOrEqual(HOUR);
      expect(inMs).toBeLessThan(HOUR + 5 * MINUTE);
      await started.result();
    });
  });

  describe('cancelling the run', () => {
    test('cancels the payout while nothing left, and the run ends with its state', async () => {
      const started = await run(at('wait_for_time', { dueInMs: DAY }), {
        cancelFromRun: inTurn(at('close', { state: 'cancelled' })),
        releaseScheduled: inTurn(at('close', { state: 'cancelled' })),
      });
      await untilWaiting(started);
      await started.handle.cancel();
      await expect(started.result()).resolves.toMatchObject({ state: 'cancelled' });
      expect(started.names().filter((name) => name === 'cancelFromRun')).toHaveLength(1);
      expect(await started.workflowMs()).toBeLessThan(HOUR);
    });

    test('does nothing more once something may have left: the run follows the payout to its end', async () => {
      const started = await run(at('poll'), {
        cancelFromRun: inTurn(at('poll')),
        readPayout: inTurn(at('poll')),
        pollStatus: inTurn<Position>(stillPending(HOUR), stillPending(HOUR), at('close')),
      });
      await started.untilCalled('pollStatus');
      await started.handle.cancel();
      await started.untilCalled('cancelFromRun');
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().filter((name) => name === 'cancelFromRun')).toHaveLength(1);
    });

    test('during submit does not end the call: its answer is followed', async () => {
      let answer = (): void => undefined;
      const answered = new Promise<void>((resolve) => (answer = resolve));
      const started = await run(at('send'), {
        submitPayout: async () => {
          await answered;
          return at('close');
        },
        cancelFromRun: inTurn(at('send')),
      });
      await started.untilCalled('submitPayout');
      await started.handle.cancel();
      await started.untilCalled('cancelFromRun').finally(answer);
      await expect(started.result()).resolves.toMatchObject({ state: 'succeeded' });
      expect(started.names().filter((name) => name === 'submitPayout')).toHaveLength(1);
    });
  });

  /** Waits until the run says that it waits for a time. */
  async function untilWaiting(started: ScriptedRun<PayoutResult>): Promise<PayoutProgress & { nextAt: string }> {
    for (const until = Date.now() + 30_000; Date.now() < until;) {
      const progress = await started.handle.query<PayoutProgress>(PAYOUT_PROGRESS_QUERY);
      if (progress.nextAt !== null) return { ...progress, nextAt: progress.nextAt };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the run does not wait');
  }
});
