import { MockActivityEnvironment } from '@temporalio/testing';
import type { PoolClient } from 'pg';

import { eventually } from '../helpers/eventually';
import { listLockWaiters } from '../helpers/lock-waiters';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

/** Sessions of the test's own that hold or wait for a lock. */
const sessions: PoolClient[] = [];

describe('two activities that make the same attempt, as after a reset while a worker sleeps', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld({ timeouts: { headersMs: 20_000 }, settings: { sendByMs: 30_000 } });
  });
  // What a failing test leaves behind: locks and a held call.
  afterEach(() => {
    world.simulator.release();
    for (const session of sessions.splice(0)) session.release(true);
  });
  afterAll(() => world.close());

  test('the one whose intent died with its session does not call the other one’s call not sent', async () => {
    const recipient = world.recipientOf('success');
    const payoutId = await world.accept({ recipient });
    const submit = (): Promise<unknown> =>
      new MockActivityEnvironment().run(() => world.activities.submitPayout({ payoutId, attempt: 1, tokenVersion: 1 }));
    await world.activities.authenticate({ payoutId, attempt: 1 });
    world.simulator.hold({ point: 'before_move', count: 1 });

    // The order at the payout's lock: this test, the first activity, this test again, the second activity.
    const first = await lock(world, payoutId);
    await first.locked;
    const sent = submit();
    const [firstPid] = await waiting(world, 1);
    const second = await lock(world, payoutId);
    await waiting(world, 2);
    const dying = submit().catch((error: unknown) => error);
    const pids = await waiting(world, 3);
    await first.release();
    await second.locked;
    await eventually('the first call is on its way', async () => (await world.submissions(payoutId)).length === 1);
    const dyingPid = pids.find((pid) => pid !== firstPid && pid !== second.pid);
    await world.pool.query('select pg_terminate_backend($1)', [dyingPid]);
    await waiting(world, 0);
    await second.release();
    await dying;

    expect((await world.submissions(payoutId)).map(({ outcome }) => outcome)).toEqual([null]);
    expect((await world.payout(payoutId)).state).toBe('processing');
    world.simulator.release();
    await sent;
    expect((await world.payout(payoutId)).state).toBe('succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  });
});

/** Asks for the payout's row lock in a session of its own. */
async function lock(
  world: PayoutWorld,
  payoutId: string,
): Promise<{ pid: number; locked: Promise<unknown>; release: () => Promise<void> }> {
  const session = await world.pool.connect();
  sessions.push(session);
  await session.query('begin');
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
  const locked = session.query('select 1 from payouts where id = $1 for update', [payoutId]);
  return {
    pid: rows[0]!.pid,
    locked,
    async release() {
      await session.query('rollback');
      session.release();
      sessions.splice(sessions.indexOf(session), 1);
    },
  };
}

/** The sessions that wait for a lock, once there are this many. */
async function waiting(world: PayoutWorld, count: number): Promise<readonly number[]> {
  return await eventually(`${count} sessions wait for the lock`, async () => {
    const pids = await listLockWaiters(world.pool);
    return pids.length === count && pids;
  });
}
