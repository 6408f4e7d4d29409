import Long from 'long';

import { cancelPayout } from '../../src/db/cancel-payout';
import { resumeSending, stopSending } from '../../src/db/operator-actions';
import { payoutWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

describe('control of a payout under way', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());

  /** Waits until the provider holds the payout's cash-in. */
  async function blockedAtProvider(id: string): Promise<void> {
    await eventually('the provider holds the cash-in', async () => {
      const [submission] = await world.submissions(id);
      const held = Object.values(world.simulator.holds()).flatMap(({ blocked }) => blocked);
      return submission !== undefined && held.includes(submission.id);
    });
  }

  test('a scheduled payout waits for its time, and then goes', async () => {
    const id = await world.accept({ scheduledAt: new Date(Date.now() + 1_500) });
    await world.startRun(id);
    await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['scheduled', 'queued', 'processing', 'succeeded']);
  });

  test('cancelling the run of a scheduled payout cancels it and gives the hold back', async () => {
    const before = await world.balances();
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient, scheduledAt: new Date(Date.now() + 3_600_000) });
    await world.startRun(id);
    await world.client.workflow.getHandle(payoutWorkflowId(id)).cancel();
    const payout = await world.untilState(id, 'cancelled');
    expect(payout.reason).toBe('cancelled_by_operations');
    expect((await world.balances())['available']).toBe(before['available']);
    expect(await world.credited(recipient)).toBe(0n);
  });

  test('cancelling the run of a payout whose call has left does nothing: it is followed to its end', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    world.simulator.hold({ point: 'before_move', count: 1 });
    await world.startRun(id);
    await blockedAtProvider(id);
    await world.client.workflow.getHandle(payoutWorkflowId(id)).cancel();
    world.simulator.release();
    await world.untilState(id, 'succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('a cancel is refused once the intent is written', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    world.simulator.hold({ point: 'before_move', count: 1 });
    await world.startRun(id);
    await blockedAtProvider(id);
    const cancel = await cancelPayout(world.pool, { payoutId: id, actor: 'system', reason: 'cancelled_by_merchant' });
    expect(cancel.result).toBe('refused');
    world.simulator.release();
    await world.untilState(id, 'succeeded');
  });

  test('cancel and submit race: either it is cancelled and nothing was paid, or it is refused and paid once', async () => {
    for (let round = 0; round < 8; round += 1) {
      const recipient = world.recipientOf('success');
      const id = await world.accept({ recipient });
      await world.startRun(id);
      await new Promise((resolve) => setTimeout(resolve, round * 12));
      const { result } = await cancelPayout(world.pool, {
        payoutId: id,
        actor: 'system',
        reason: 'cancelled_by_merchant',
      });
      const { state } = await world.untilState(id, 'succeeded', 'cancelled');
      expect({ result, state, credited: await world.credited(recipient) }).toEqual(
        result === 'cancelled'
          ? { result, state: 'cancelled', credited: 0n }
          : { result: 'refused', state: 'succeeded', credited: 1_000n },
      );
    }
  });

  test.each(['before_move', 'after_move'] as const)(
    'a run terminated while the provider is at work (%s) and taken up again pays once',
    async (point) => {
      const recipient = world.recipientOf('success');
      const id = await world.accept({ recipient });
      world.simulator.hold({ point, count: 1 });
      await world.startRun(id);
      await blockedAtProvider(id);
      await world.client.workflow.getHandle(payoutWorkflowId(id)).terminate('test');
      await world.startRun(id);
      world.simulator.release();
      await world.untilState(id, 'succeeded');
      expect(await world.credited(recipient)).toBe(1_000n);
      expect(await world.submissions(id)).toHaveLength(1);
    },
  );

  test('a run reset to its beginning after it was paid sends nothing again', async () => {
    const recipient = world.recipientOf('pending_success');
    const id = await world.accept({ recipient });
    await world.startRun(id);
    await world.untilState(id, 'succeeded');
    const handle = world.client.workflow.getHandle(payoutWorkflowId(id));
    const { runId } = await handle.describe();
    await world.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: payoutWorkflowId(id), runId },
      workflowTaskFinishEventId: Long.fromNumber(3),
      requestId: `reset-${id}`,
      reason: 'test',
    });
    await expect(handle.result()).resolves.toEqual({ payoutId: id, state: 'succeeded' });
    expect(await world.credited(recipient)).toBe(1_000n);
    expect(await world.submissions(id)).toHaveLength(1);
  });

  test('a stopped merchant sends nothing, and goes on when resumed', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    const stop = { scope: 'merchant', target: world.merchantId, personId: 'per_one' } as const;
    await stopSending(world.pool, { ...stop, reason: 'test' });
    await world.startRun(id);
    for (const until = Date.now() + 20_000; Date.now() < until;) {
      if ((await world.payout(id)).reason === 'stopped_by_operations') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await world.payout(id)).toMatchObject({ state: 'queued', reason: 'stopped_by_operations' });
    expect(await world.submissions(id)).toEqual([]);
    await resumeSending(world.pool, stop);
    await world.untilState(id, 'succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  });
});
