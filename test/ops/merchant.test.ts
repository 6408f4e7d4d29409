import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk, operatorEvents } from './operators-desk';
import type { OperatorsDesk } from './operators-desk';

describe('the operator sets above what bulks need an approval', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;

  beforeAll(async () => {
    world = await createPayoutWorld();
    desk = createOperatorsDesk(world);
  });
  afterAll(() => world.close());

  const approval = (rest: string): ReturnType<OperatorsDesk['run']> =>
    desk.run('merchant', `approval --merchant ${world.merchantId} ${rest}`);

  async function thresholds(): Promise<unknown> {
    const { rows } = await world.pool.query(
      'select approval_above_lines as lines, approval_above_total as total from merchants where id = $1',
      [world.merchantId],
    );
    return rows[0];
  }

  test.each([
    [
      '--lines 100 --total 5000000',
      'above 100 lines or 5000000 minor units need one',
      { lines: 100, total: 5_000_000n },
    ],
    ['--lines never --total 1', 'above 1 minor units need one', { lines: null, total: 1n }],
    ['--lines 0 --total never', 'above 0 lines need one', { lines: 0, total: null }],
    ['--lines never --total never', 'need none', { lines: null, total: null }],
  ])('%s', async (words, said, set) => {
    const before = (await operatorEvents(world, 'set_approval')).length;
    expect(await approval(words)).toEqual({
      refused: null,
      printed: [`approval: bulks of ${world.merchantId} ${said}`],
    });
    expect(await thresholds()).toEqual(set);
    expect((await operatorEvents(world, 'set_approval')).slice(before)).toEqual([
      {
        person_id: 'per_one',
        target: world.merchantId,
        detail: { lines: set.lines, total: set.total?.toString() ?? null },
      },
    ]);
  });

  test.each([
    ['--lines 5', '--total is missing'],
    ['--lines many --total never', '--lines is not an integer'],
    ['--lines -1 --total never', '--lines is not positive'],
    ['--lines 3000000000 --total never', '--lines is more than'],
    ['--lines 5 --total 1.5', '--total is not an integer'],
  ])('not with %s', async (words, why) => {
    const before = await thresholds();
    expect((await approval(words)).refused).toContain(why);
    expect(await thresholds()).toEqual(before);
  });

  test('not of a merchant who does not exist, and nothing else of one', async () => {
    const { refused } = await desk.run('merchant', 'approval --merchant mer_none --lines 1 --total 1');
    expect(refused).toBe('there is no merchant mer_none');
    expect((await desk.run('merchant', 'rename')).refused).toBe('only `merchant approval` is known');
  });
});
