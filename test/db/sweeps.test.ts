import { claimDuePayouts } from '../../src/db/sweeps';
import { withTransaction } from '../../src/db/transaction';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

describe('payouts that are due to be looked after', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  const claim = async (): Promise<readonly string[]> =>
    (await claimDuePayouts(world.pool, { limit: 100, recheckMs: 60_000 })).map(({ payoutId }) => payoutId);

  async function due(id: string): Promise<string> {
    await world.pool.query("update payouts set sweep_after = now() - interval '1 second' where id = $1", [id]);
    return id;
  }

  test('are leased: each is claimed once until its lease is over', async () => {
    const id = await due(await world.accept());
    await world.accept();
    expect(await claim()).toEqual([id]);
    expect(await claim()).toEqual([]);
    await due(id);
    expect(await claim()).toEqual([id]);
  });

  test('are not those of a bulk, and none that is at its end', async () => {
    const item = await due(await world.accept());
    await withTransaction(world.pool, async (trx) => {
      await trx.query('set local session_replication_role = replica');
      await trx.query("update payouts set owner = 'bulk/bulk_other' where id = $1", [item]);
    });
    await due((await standPayout(world, { state: 'failed', outcomes: ['rejected'] })).id);
    expect(await claim()).toEqual([]);
  });
});
