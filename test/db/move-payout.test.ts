import { movePayout, movePayouts, wantedOf } from '../../src/db/move-payout';
import { withTransaction } from '../../src/db/transaction';
import type { Payout } from '../../src/domain/payout';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { refusal, standPayout } from '../helpers/standing-payout';

const SENDING = { to: 'processing', actor: 'system', reason: 'sending' } as const;

describe('a payout moves', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.pool.query(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ('we_test', $1, 'sandbox', 'https://example.com', '{payout.processing}', '')`,
      [world.merchantId],
    );
  });
  afterAll(() => world.close());

  const move = (payout: Payout): Promise<Payout> =>
    withTransaction(world.pool, (trx) => movePayout(trx, payout, SENDING));

  test('with its event and what its merchant is told, one of each for a version', async () => {
    const id = await world.accept();
    await expect(move(await world.payout(id))).resolves.toMatchObject({ state: 'processing', version: 2 });
    const { rows: events } = await world.pool.query(
      'select sequence, from_state, to_state, reason from payout_events where payout_id = $1 order by sequence',
      [id],
    );
    expect(events).toMatchObject([
      { sequence: 1, to_state: 'queued' },
      { sequence: 2, from_state: 'queued', to_state: 'processing', reason: 'sending' },
    ]);
    const { rows: notices } = await world.pool.query('select type, object_version from outbox where payout_id = $1', [
      id,
    ]);
    expect(notices).toEqual([{ type: 'payout.processing', object_version: 2 }]);
  });

  test('only from the version that was read, alone and among others', async () => {
    const read = await world.payout(await world.accept());
    const other = await world.payout(await world.accept());
    await move(read);
    const stale = { ...read, state: 'processing' } as const;
    await expect(move(stale)).rejects.toMatchObject({ name: 'StalePayoutError' });
    const both = [other, stale].map((payout) => ({ payout, move: SENDING }));
    const together = withTransaction(world.pool, (trx) => movePayouts(trx, both));
    await expect(together).rejects.toMatchObject({ name: 'StalePayoutError' });
    expect([(await world.payout(read.id)).version, (await world.payout(other.id)).version]).toEqual([2, 1]);
  });

  test('along its transitions only: the code says so before the database does', async () => {
    const payout = await world.payout(await world.accept());
    expect(() => wantedOf({ payout, move: { ...SENDING, to: 'succeeded' } })).toThrow('queued may not go to succeeded');
  });

  test('by one version at a time, whatever code moves it', async () => {
    const id = await world.accept();
    const sql = (version: string): string =>
      `update payouts set state = 'processing', version = ${version} where id = $1`;
    expect(await refusal(world.pool.query(sql('version'), [id]))).toBe('CA003');
    expect(await refusal(world.pool.query(sql('version + 2'), [id]))).toBe('CA003');
    expect(await refusal(world.pool.query(sql('version - 1'), [id]))).toBe('CA001');
  });

  test('and its history is never rewritten', async () => {
    const id = await world.accept();
    for (const sql of [
      "update payout_events set reason = 'other' where payout_id = $1",
      'delete from payout_events where payout_id = $1',
      'delete from payouts where id = $1',
      'update payouts set amount = amount + 1 where id = $1',
    ]) {
      expect([sql, await refusal(world.pool.query(sql, [id]))]).toEqual([sql, 'CA001']);
    }
  });

  test('back to the queue only where every submission is proven unpaid, and with a new attempt', async () => {
    const back = "update payouts set state = 'queued', version = version + 1, attempt = attempt + $2 where id = $1";
    for (const outcome of [null, 'accepted', 'settled', 'unknown'] as const) {
      const { id } = await standPayout(world, { state: 'processing', outcomes: [outcome] });
      expect([outcome, await refusal(world.pool.query(back, [id, 1]))]).toEqual([outcome, 'CA409']);
    }
    const { id } = await standPayout(world, { state: 'processing', outcomes: ['rejected'] });
    expect(await refusal(world.pool.query(back, [id, 0]))).toBe('CA003');
    expect(await refusal(world.pool.query(back, [id, 1]))).toBe('done');
  });

  test('to succeeded only where a submission of it is settled', async () => {
    const paid = "update payouts set state = 'succeeded', version = version + 1 where id = $1";
    for (const outcome of ['accepted', 'unknown', 'rejected'] as const) {
      const { id } = await standPayout(world, { state: 'processing', outcomes: [outcome] });
      expect([outcome, await refusal(world.pool.query(paid, [id]))]).toEqual([outcome, 'CA409']);
    }
  });
});
