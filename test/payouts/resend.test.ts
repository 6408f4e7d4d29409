import { allowResend } from '../../src/db/allow-resend';
import { deferPayout } from '../../src/db/defer-payout';
import { liftStop, insertStop } from '../../src/db/stops';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { searchLate } from '../helpers/search-late';

/** Short enough to wait for their end, and longer than a busy machine takes for a call. */
const SHORT = {
  settings: { sendByMs: 3_000, sendByMarginMs: 200, poll: { firstMs: 100, maxMs: 300 } },
  timeouts: { headersMs: 2_000 },
};

/** Longer than it takes until the second call is unknown too. */
const LATE_ROW_MS = 10_000;

describe('a payout whose answer was lost, where sending it again is configured', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld({
      ...SHORT,
      resendAfterMs: 100,
      simulator: { timings: { lateRowMs: LATE_ROW_MS } },
    });
    await world.startWorkers();
  });
  afterEach(() => world.simulator.release());
  afterAll(() => world.close());

  async function reviewKinds(payoutId: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ kind: string }>(
      'select kind from review_items where payout_id = $1 and closed_at is null order by kind',
      [payoutId],
    );
    return rows.map(({ kind }) => kind);
  }

  test('is sent once more under a new reference; the settlement window stays, and a late credit is a review item', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    world.simulator.hold({ point: 'before_move', count: 1 });
    await world.startRun(id);
    const { settleBy } = await world.untilState(id, 'unknown');
    const paid = await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['queued', 'processing', 'unknown', 'unknown', 'processing', 'succeeded']);
    expect(paid.settleBy).toEqual(settleBy);
    const [lost, resent] = await world.submissions(id);
    expect([lost?.outcome, resent?.outcome]).toEqual(['unknown', 'settled']);
    expect(resent?.attempt).toBe(2);
    expect(await world.credited(recipient)).toBe(1_000n);
    expect(await reviewKinds(id)).toEqual([]);

    // The first request was only slow: its money moves after all. Late checks find it.
    world.simulator.release();
    await eventually('the slow request moved money', async () => (await world.credited(recipient)) === 2_000n);
    const { rows } = await world.pool.query('select once from late_checks where submission_id = $1', [lost?.id]);
    expect(rows).toEqual([{ once: false }]);
    await searchLate(world, id);
    expect(await reviewKinds(id)).toEqual(['double_credit']);
    expect((await world.balances())['suspense']).toBe(-1_000n);
  });

  test('is sent no third time while two calls are unproven, and both credits are found', async () => {
    const recipient = world.recipientOf('late_row');
    const id = await world.accept({ recipient });
    await world.startRun(id);
    await eventually('the second call is unknown', async () => (await world.submissions(id))[1]?.outcome === 'unknown');
    await world.untilState(id, 'succeeded');
    await eventually('people are asked', async () => (await reviewKinds(id)).length > 0);
    await eventually('both are found', async () => {
      await searchLate(world, id);
      return (await world.submissions(id)).every(({ outcome }) => outcome === 'settled');
    });
    expect(await world.submissions(id)).toHaveLength(2);
    expect(await world.credited(recipient)).toBe(2_000n);
    expect(await reviewKinds(id)).toContain('double_credit');
  });

  test('waits while operations have stopped sending, and its look-ups go on', async () => {
    const recipient = world.recipientOf('success');
    const id = await world.accept({ recipient });
    world.simulator.hold({ point: 'before_move', count: 1 });
    await insertStop(world.pool, { scope: 'payout', target: id, reason: 'test', personId: 'per_one' });
    await world.startRun(id);
    await eventually('it was stopped', async () => (await world.payout(id)).reason === 'stopped_by_operations');
    await liftStop(world.pool, { scope: 'payout', target: id, personId: 'per_one' });
    await world.untilState(id, 'unknown');
    await insertStop(world.pool, { scope: 'payout', target: id, reason: 'test', personId: 'per_one' });
    const [lost] = await world.submissions(id);
    await eventually('look-ups go on', async () => {
      const { rows } = await world.pool.query<{ looked: boolean }>(
        `select count(*) >= 3 as looked from look_ups where submission_id = $1 and at > $2::timestamptz + interval '1 s'`,
        [lost?.id, lost?.sendBy],
      );
      return rows[0]?.looked;
    });
    expect(await world.submissions(id)).toHaveLength(1);
    await liftStop(world.pool, { scope: 'payout', target: id, personId: 'per_one' });
    await world.untilState(id, 'succeeded');
    expect(await world.credited(recipient)).toBe(1_000n);
  });
});

describe('the permission to send again', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld(SHORT);
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function lost(): Promise<string> {
    const id = await world.accept({ recipient: world.recipientOf('lost_unmoved') });
    await world.startRun(id);
    await world.untilState(id, 'unknown');
    await eventually('a look-up shows nothing, after the send-by time', async () => {
      const { rows } = await world.pool.query<{ shown: boolean }>(
        'select exists (select 1 from look_ups join submissions on submissions.id = submission_id where submissions.payout_id = $1 and at > send_by) as shown',
        [id],
      );
      return rows[0]?.shown;
    });
    return id;
  }

  test('is not given where nobody configured it, and PostgreSQL refuses the step without it', async () => {
    const id = await lost();
    expect(await world.submissions(id)).toHaveLength(1);
    expect((await world.payout(id)).state).toBe('unknown');
    await expect(
      world.pool.query(`update payouts set state = 'processing', version = version + 1 where id = $1`, [id]),
    ).rejects.toThrow('only where that was allowed');
  });

  test('is not given before its time, beside a review item, or twice; putting the payout back takes it away', async () => {
    const id = await lost();
    await allowResend(world.pool, { payoutId: id, afterMs: 3_600_000 });
    expect((await world.payout(id)).resend).toBe(false);
    await world.pool.query(`insert into review_items (id, payout_id, kind) values ('rev_resend', $1, 'mismatch')`, [
      id,
    ]);
    await allowResend(world.pool, { payoutId: id, afterMs: 0 });
    expect((await world.payout(id)).resend).toBe(false);
    await world.pool.query(`update review_items set closed_at = now() where id = 'rev_resend'`);
    await world.client.workflow.getHandle(`payout/${id}`).terminate();
    await allowResend(world.pool, { payoutId: id, afterMs: 0 });
    const allowed = await world.payout(id);
    expect([allowed.resend, allowed.attempt, allowed.reason]).toEqual([true, 2, 'resend_allowed']);
    await allowResend(world.pool, { payoutId: id, afterMs: 0 });
    expect((await world.payout(id)).version).toBe(allowed.version);

    const wait = { firstMs: 60_000, maxMs: 60_000 };
    await deferPayout(world.pool, { payoutId: id, attempt: 2, reason: 'provider_unreachable', ...wait });
    const deferred = await world.payout(id);
    expect([deferred.state, deferred.resend, deferred.reason]).toEqual(['unknown', false, 'provider_unreachable']);
    await allowResend(world.pool, { payoutId: id, afterMs: 0 });
    expect((await world.payout(id)).resend).toBe(false);
  });
});
