import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

describe('one payout, carried by real Temporal, PostgreSQL and HTTP', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function carry(
    scenario: Parameters<PayoutWorld['recipientOf']>[0],
  ): Promise<{ id: string; recipient: string }> {
    const recipient = world.recipientOf(scenario);
    const id = await world.accept({ recipient });
    await world.startRun(id);
    return { id, recipient };
  }

  test('that the provider pays at once succeeds, and its hold is captured once', async () => {
    const before = await world.balances();
    const { id, recipient } = await carry('success');
    await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['queued', 'processing', 'succeeded']);
    expect(await world.credited(recipient)).toBe(1_000n);
    const after = await world.balances();
    expect(after['paid']! - (before['paid'] ?? 0n)).toBe(1_000n);
    expect(before['available']! - after['available']!).toBe(1_000n);
    expect(after['held']).toBe(before['held'] ?? 0n);
  });

  test('that the provider takes and pays later is polled to its end', async () => {
    const { id, recipient } = await carry('pending_success');
    await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['queued', 'processing', 'pending', 'succeeded']);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('that the provider refuses for good fails, and its hold is released', async () => {
    const before = await world.balances();
    const { id, recipient } = await carry('customer_unknown');
    const payout = await world.untilState(id, 'failed');
    expect(payout.reason).toBe('provider_rejected');
    expect(await world.credited(recipient)).toBe(0n);
    expect((await world.balances())['available']).toBe(before['available']);
  });

  test('whose answer is lost after the money moved is found by look-up and succeeds', async () => {
    const { id, recipient } = await carry('lost_moved');
    await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['queued', 'processing', 'unknown', 'succeeded']);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('whose answer is lost and that nobody can find again stays unknown and keeps its hold', async () => {
    const { id } = await carry('lost_unmoved');
    await world.untilState(id, 'unknown');
    const { rows } = await world.pool.query('select closed_by from holds where payout_id = $1', [id]);
    expect(rows).toEqual([{ closed_by: null }]);
  });

  test('whose token is refused once is sent by a second call of the same attempt', async () => {
    const { id, recipient } = await carry('unauthorized_once');
    await world.untilState(id, 'succeeded');
    const calls = await world.submissions(id);
    expect(calls.map(({ attempt, call, outcome }) => [attempt, call, outcome])).toEqual([
      [1, 1, 'rejected'],
      [1, 2, 'settled'],
    ]);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('whose key was rolled is sent by a second call under the new key', async () => {
    const { id, recipient } = await carry('stale_key_once');
    await world.untilState(id, 'succeeded');
    expect((await world.submissions(id)).map(({ call, rejection }) => [call, rejection])).toEqual([
      [1, 'stale_key'],
      [2, null],
    ]);
    expect(await world.credited(recipient)).toBe(1_000n);
  });

  test('whose second call cannot be written down keeps what the first one told, and is sent again', async () => {
    await world.pool.query(`
      create function refuse_second_call() returns trigger language plpgsql as
        $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$`);
    await world.pool.query(`
      create trigger refuse_second_call before insert on submissions for each row when (new.call = 2 and new.kind = 'call')
        execute function refuse_second_call()`);
    const { id, recipient } = await carry('unauthorized_once');
    await world.untilState(id, 'succeeded');
    expect(await world.states(id)).toEqual(['queued', 'processing', 'queued', 'processing', 'succeeded']);
    expect(await world.credited(recipient)).toBe(1_000n);
    await world.pool.query('drop trigger refuse_second_call on submissions');
  });
});
