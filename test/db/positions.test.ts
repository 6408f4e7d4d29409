import { endSettlementWindow, positionInRow, readPosition, recoverAttempt, takeUpPayout } from '../../src/db/positions';
import type { StandingRow } from '../../src/db/positions';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

const SETTINGS = { sendByMarginMs: 1_000, pollAtOnceMs: 0 };

describe('where a payout stands, as it is taken up', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  const takeUp = (payoutId: string, chainId: string) => takeUpPayout(world.pool, { payoutId, chainId }, SETTINGS);

  test.each<[PayoutState, SubmissionOutcome[]]>([
    ['queued', []],
    ['queued', ['not_sent']],
    ['processing', []],
    ['processing', [null]],
    ['processing', ['accepted']],
    ['pending', ['accepted']],
    ['unknown', ['unknown']],
    ['in_review', ['unknown']],
    ['succeeded', ['settled']],
    ['failed', ['rejected']],
    ['cancelled', []],
  ])('%s with %j: as it is read, by the first and by the next run', async (state, outcomes) => {
    const { id } = await standPayout(world, { state, outcomes });
    for (const chainId of ['one', 'one', 'other']) {
      const { position, alert } = await takeUp(id, chainId);
      expect(position).toEqual(await readPosition(world.pool, id, SETTINGS));
      expect(alert).toBe(false);
    }
  });

  test('after five take-ups without progress it is with people', async () => {
    const { id } = await standPayout(world, { state: 'queued' });
    for (const chainId of ['first', '1', '2', '3', '4']) expect((await takeUp(id, chainId)).alert).toBe(false);
    const { position, alert } = await takeUp(id, '5');
    expect({ alert, state: position.state, step: position.step }).toEqual({
      alert: true,
      state: 'in_review',
      step: 'await_decision',
    });
  });

  test.each<Partial<StandingRow>>([{ state: 'processing' }, { state: 'pending', settle_in_ms: 0 }])(
    'its own row does not tell of %j: submissions and look-ups do',
    async (changed) => {
      const { id } = await standPayout(world, { state: 'pending', outcomes: ['accepted'] });
      const { rows } = await world.pool.query<StandingRow>(
        'select *, null::float8 as settle_in_ms, 0::float8 as age_ms from payouts where id = $1',
        [id],
      );
      expect(positionInRow(rows[0]!, SETTINGS)).not.toBeNull();
      expect(positionInRow({ ...rows[0]!, ...changed }, SETTINGS)).toBeNull();
    },
  );

  test('a call without an outcome is unknown once its activity has ended, and its hold stays', async () => {
    const { id } = await standPayout(world, { state: 'processing', outcomes: [null] });
    const recovered = recoverAttempt(world.pool, { payoutId: id, attempt: 1, backOff: 0, watchMs: 0 });
    await expect(recovered).resolves.toBeUndefined();
    expect(await world.payout(id)).toMatchObject({ state: 'unknown', reason: 'no_outcome_written', attempt: 1 });
    expect(await world.submissions(id)).toMatchObject([{ outcome: 'unknown', source: 'recovery' }]);
  });

  test.each(['pending', 'unknown'] as const)(
    'a settlement window asks people at its end, and not before (%s)',
    async (state) => {
      const { id } = await standPayout(world, { state, outcomes: [state === 'pending' ? 'accepted' : 'unknown'] });
      await world.pool.query("update payouts set settle_by = now() + interval '1 hour' where id = $1", [id]);
      await endSettlementWindow(world.pool, id);
      expect((await world.payout(id)).state).toBe(state);
      await world.pool.query('update payouts set settle_by = now() where id = $1', [id]);
      await endSettlementWindow(world.pool, id);
      expect((await world.payout(id)).state).toBe('in_review');
      const { rows } = await world.pool.query('select closed_by from holds where payout_id = $1', [id]);
      expect(rows).toEqual([{ closed_by: null }]);
    },
  );
});
