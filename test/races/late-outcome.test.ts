import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { payoutWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { expectAllowedHistory } from './allowed-history';
import { delays, holdsFor } from './property';
import { AMOUNT, createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

/** The refusal of an unknown customer is told by its answer alone: no look-up finds it. */
const SCENARIOS = ['success', 'pending_success', 'rejected', 'customer_unknown', 'lost_moved'] as const;

/** What happens while the provider holds a payout's call: terminations of its run, and how soon it is taken up again. */
const story = fc.record(
  {
    scenario: fc.constantFrom(...SCENARIOS),
    terminations: fc.array(
      fc.record({ afterMs: delays(200), takenUpAfterMs: delays(200) }, { noNullPrototype: true }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    /** Clients that take it up at once: sweepers of several workers. */
    takers: fc.integer({ min: 1, max: 3 }),
  },
  { noNullPrototype: true },
);

/** Milliseconds that the provider holds the calls: up to, around and beyond the time after which one is called unknown. */
const heldMs = fc.oneof(delays(600), fc.integer({ min: 1_300, max: 3_500 }));

describe('a late answer against a run that was taken up again', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await createRaceWorld({
      settings: { sendByMs: 1_200, sendByMarginMs: 200 },
      timeouts: { headersMs: 8_000, bodyMs: 8_000 },
    });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function blockedAtProvider(ids: readonly string[]): Promise<void> {
    await eventually('the provider holds all calls', () => {
      const { before_move } = world.simulator.holds();
      return ids.every((id) => before_move.blocked.some((reference) => reference.includes(id.slice('po_'.length))));
    });
  }

  async function terminateAndTakeUp(
    id: string,
    { terminations, takers }: { terminations: readonly Gap[]; takers: number },
  ): Promise<void> {
    for (const { afterMs, takenUpAfterMs } of terminations) {
      await sleep(afterMs);
      await world.client.workflow.getHandle(payoutWorkflowId(id)).terminate('test').catch(ignoreClosed);
      await sleep(takenUpAfterMs);
      await Promise.all(Array.from({ length: takers }, () => world.startRun(id)));
    }
  }

  test('merged once: one end, one close of the hold, one credit', async () => {
    const merged = { asAnswer: 0, late: 0 };
    const cases = fc.record(
      { stories: fc.array(story, { minLength: 4, maxLength: 4 }), heldMs },
      { noNullPrototype: true },
    );
    await holdsFor(cases, 6, async ({ stories, heldMs: ms }) => {
      world.simulator.hold({ point: 'before_move', count: null });
      const payouts = await Promise.all(
        stories.map(async (plan) => {
          const recipient = world.recipientOf(plan.scenario);
          return { ...plan, recipient, id: await world.send(recipient) };
        }),
      );
      await blockedAtProvider(payouts.map(({ id }) => id));
      const released = sleep(ms).then(() => world.simulator.release());
      await Promise.all([released, ...payouts.map((payout) => terminateAndTakeUp(payout.id, payout))]);
      for (const { id, scenario, recipient } of payouts) {
        const { state } = await world.untilState(id, 'succeeded', 'failed');
        const isRefused = scenario === 'rejected' || scenario === 'customer_unknown';
        expect(state).toBe(isRefused ? 'failed' : 'succeeded');
        const { submissions, outcomes } = await expectAllowedHistory(world, id);
        expect(submissions).toHaveLength(1);
        const isLate = outcomes[0]?.to_outcome === 'unknown' && scenario !== 'lost_moved';
        merged[isLate ? 'late' : 'asAnswer'] += 1;
        expect(await world.credited(recipient)).toBe(isRefused ? 0n : BigInt(AMOUNT));
      }
    });
    expect(merged.asAnswer).toBeGreaterThan(0);
    expect(merged.late).toBeGreaterThan(0);
  });
});

interface Gap {
  afterMs: number;
  takenUpAfterMs: number;
}

/** The run may have ended by itself. */
function ignoreClosed(error: unknown): void {
  if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
}
