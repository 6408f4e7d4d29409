import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { expectAllowedHistory } from './allowed-history';
import { createMoments } from './moments';
import { delays, holdsFor } from './property';
import { AMOUNT, createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

const SCENARIOS = ['success', 'pending_success', 'lost_moved', 'rejected'] as const;

/** Milliseconds that a scheduled payout waits; longer than a busy machine takes to accept it. */
const SCHEDULED_MS = 5_000;

/** One payout, and when its merchant tries to cancel it. Most try when its submit has begun: that is where it is decided. */
const story = fc.record(
  {
    scenario: fc.constantFrom(...SCENARIOS),
    isScheduled: fc.boolean(),
    since: fc.oneof(
      { weight: 1, arbitrary: fc.constant('accepted' as const) },
      { weight: 4, arbitrary: fc.constant('submit' as const) },
    ),
    cancels: fc.array(delays(60), { minLength: 1, maxLength: 4 }),
  },
  { noNullPrototype: true },
);

describe('cancel against submit', () => {
  let world: RaceWorld;
  const moments = createMoments();
  beforeAll(async () => {
    world = await createRaceWorld();
    await world.startWorkers({
      submitPayout: (input) => {
        moments.come(input.payoutId);
        return world.activities.submitPayout(input);
      },
    });
  });
  afterAll(() => world.close());

  test('whenever it comes, either it is cancelled and nothing left, or it is refused and the payout goes its way', async () => {
    const ends = { cancelled: 0, carried: 0 };
    await holdsFor(fc.array(story, { minLength: 6, maxLength: 6 }), 5, async (stories) => {
      await Promise.all(
        stories.map(async ({ scenario, isScheduled, since, cancels }) => {
          const recipient = world.recipientOf(scenario);
          const at = new Date(Date.now() + SCHEDULED_MS).toISOString();
          const id = await world.send(recipient, isScheduled ? { scheduled_at: at } : {});
          if (since === 'submit') await moments.of(id);
          const answers = await Promise.all(
            cancels.map(async (delayMs) => {
              await sleep(delayMs);
              return await world.ask('POST', `/v1/payouts/${id}/cancel`);
            }),
          );
          const { state } = await world.untilState(id, 'succeeded', 'failed', 'cancelled');
          const isCancelled = state === 'cancelled';
          ends[isCancelled ? 'cancelled' : 'carried'] += 1;
          for (const { status, body } of answers) {
            // Nothing between accept and intent refuses a cancel, and nothing after it takes one.
            expect([status, status === 200 ? body.state : body.code]).toEqual(
              isCancelled ? [200, 'cancelled'] : [409, 'not_cancellable'],
            );
          }
          const { provider } = await expectAllowedHistory(world, id);
          expect(Object.keys(provider.requests)).toHaveLength(isCancelled ? 0 : 1);
          const isPaid = !isCancelled && scenario !== 'rejected';
          expect(await world.credited(recipient)).toBe(isPaid ? BigInt(AMOUNT) : 0n);
        }),
      );
    });
    // The moments are drawn so that both happen, or nothing was raced.
    expect(ends.cancelled).toBeGreaterThan(0);
    expect(ends.carried).toBeGreaterThan(0);
  });
});
