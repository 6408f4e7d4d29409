import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { payoutWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { listLockWaiters } from '../helpers/lock-waiters';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

const MAIN_WORKER = path.join(__dirname, '..', '..', 'dist', 'main-worker.js');

/** The product's own worker process, that a test stops, wakes and kills. */
describe('a worker process that is killed or stopped in the middle of a payout', () => {
  let world: PayoutWorld;
  let workers: ChildProcess[] = [];

  beforeEach(async () => {
    world = await createPayoutWorld();
    workers = [];
  });

  afterEach(async () => {
    for (const worker of workers) await end(worker);
    await world.close();
  });

  function startWorker(): ChildProcess {
    const worker = spawn(process.execPath, [MAIN_WORKER], {
      env: { ...process.env, ...world.env },
      stdio: 'ignore',
    });
    workers.push(worker);
    return worker;
  }

  async function end(worker: ChildProcess): Promise<void> {
    if (worker.exitCode !== null || worker.signalCode !== null) return;
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exited;
  }

  async function heldByProvider(payoutId: string): Promise<void> {
    await eventually('held by the provider', async () => {
      const [submission] = await world.submissions(payoutId);
      return Object.values(world.simulator.holds()).some(({ blocked }) => blocked.includes(submission?.id ?? '-'));
    });
  }

  async function waitingForLock(pattern: string): Promise<void> {
    await eventually('waiting for a lock', async () => (await listLockWaiters(world.pool, pattern)).length > 0);
  }

  async function takeUpAgain(payoutId: string): Promise<void> {
    await world.client.workflow.getHandle(payoutWorkflowId(payoutId)).terminate('test');
    startWorker();
    await world.startRun(payoutId);
  }

  test.each(['before_move', 'after_move'] as const)(
    'killed while the provider is at work (%s): found by look-up, paid once',
    async (point) => {
      const recipient = world.recipientOf('success');
      const id = await world.accept({ recipient });
      world.simulator.hold({ point, count: 1 });
      const worker = startWorker();
      await world.startRun(id);
      await heldByProvider(id);
      await end(worker);
      world.simulator.release();
      startWorker();
      await world.untilState(id, 'succeeded');
      expect(await world.credited(recipient)).toBe(1_000n);
      expect(await world.submissions(id)).toHaveLength(1);
    },
  );

  test('stopped before the intent, taken up by another worker, and woken: the late intent fails', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    const locker = new Client({ connectionString: world.env['DATABASE_URL'] });
    await locker.connect();
    const old = startWorker();
    try {
      // With the gate's row locked the old worker stands with an open connection, in the middle of its intent.
      await locker.query('begin');
      await locker.query('select 1 from pin_gates for update');
      await world.startRun(id);
      await waitingForLock('%from pin_gates%for share%');
      old.kill('SIGSTOP');
      await locker.query('rollback');
      // The stopped process holds the payout's row: its session ends as after a lost network, or by its own time limit.
      await eventually('the session of the stopped worker ended', async () => {
        const { rowCount } = await world.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
             and state = 'idle in transaction' and query ilike '%from pin_gates%for share%'`,
        );
        return rowCount === 1;
      });
      await takeUpAgain(id);
      // The server may hand the new run's tasks to the stopped process, whose polls are still open: they time out, and
      // the attempt is voided. Sent or voided, the old worker's attempt 1 is over then.
      await eventually('the first attempt is over', async () => {
        const { attempt, state } = await world.payout(id);
        return attempt > 1 || state === 'succeeded';
      });
      old.kill('SIGCONT');
      await world.untilState(id, 'succeeded');
      await sleep(1_500);
      expect(await world.credited(recipient)).toBe(1_000n);
      expect((await world.submissions(id)).filter(({ kind }) => kind === 'call')).toHaveLength(1);
    } finally {
      await locker.end();
    }
  });

  test.each([
    ['after send_by: nothing leaves, the attempt is proven not sent and made again', 14_000],
    ['before send_by: the one call leaves', 0],
  ])('stopped between intent and call, taken up by another worker, and woken %s', async (_when, stoppedMs) => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    // A deferred trigger holds the intent's commit until the test lets it go: a hook in the test's database.
    await world.pool.query(`
      create function hold_commit() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock_shared(4711); return null; end $$`);
    await world.pool.query(`
      create constraint trigger hold_commit after insert on submissions deferrable initially deferred
        for each row execute function hold_commit()`);
    const locker = new Client({ connectionString: world.env['DATABASE_URL'] });
    await locker.connect();
    try {
      await locker.query('select pg_advisory_lock(4711)');
      const old = startWorker();
      await world.startRun(id);
      await waitingForLock('commit%');
      old.kill('SIGSTOP');
      await locker.query('select pg_advisory_unlock(4711)');
      await eventually('the intent is committed', async () => (await world.submissions(id)).length === 1);
      expect(await world.credited(recipient)).toBe(0n);
      await takeUpAgain(id);
      await sleep(stoppedMs);
      old.kill('SIGCONT');
      await world.untilState(id, 'succeeded');
      await sleep(1_000);
      expect(await world.credited(recipient)).toBe(1_000n);
    } finally {
      await locker.end();
    }
  });
});
