import { createLookUpRound } from '../../src/activities/look-up-round';
import { createStatusRound } from '../../src/activities/poll';
import { findAskedPayout } from '../../src/db/payout-reads';
import type { ProviderRow } from '../../src/domain/look-up';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';
import { CUT, depsWith, passesOf, rowOf } from '../helpers/told-provider';

type Shown = ProviderRow['status'] | 'nothing' | typeof CUT;

describe('what the provider’s rows prove', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  async function stateOf(id: string): Promise<string> {
    return (await world.payout(id)).state;
  }

  /** An unproven payout, and passes that show this of its one submission. */
  async function stand(
    { state, outcome }: { state: 'pending' | 'unknown'; outcome: 'accepted' | 'unknown' },
    shown: readonly Shown[],
  ): Promise<{ id: string; passes: ReturnType<typeof passesOf> }> {
    const { id } = await standPayout(world, { state, outcomes: [outcome] });
    const [submission] = await world.submissions(id);
    const recipient = (await world.payout(id)).recipient.msisdn ?? '';
    const passes = shown.map((status) => {
      if (status === CUT) return CUT;
      return status === 'nothing' ? [] : [rowOf(world, submission!, recipient, status)];
    });
    return { id, passes: passesOf(passes) };
  }

  describe('a look-up', () => {
    async function lookUp(shown: readonly Shown[]): Promise<{ state: string; asked: number }> {
      const { id, passes } = await stand({ state: 'unknown', outcome: 'unknown' }, shown);
      const round = createLookUpRound(depsWith(world, { lookUp: passes.next }));
      await round(id, 'open').catch(() => undefined);
      return { state: await stateOf(id), asked: passes.asked() };
    }

    test.each<[string, Shown[], string]>([
      ['a refusal that two passes show fails it', ['failed', 'failed'], 'failed'],
      ['a refusal and then a success pays it', ['failed', 'success'], 'succeeded'],
      ['a refusal and then one in flight is not final', ['failed', 'in_flight'], 'pending'],
      ['a refusal and then nothing proves nothing', ['failed', 'nothing'], 'unknown'],
      ['nothing and then a refusal proves nothing', ['nothing', 'failed'], 'unknown'],
      ['a refusal and then a pass that is cut proves nothing', ['failed', CUT], 'unknown'],
      ['nothing and then a success pays it', ['nothing', 'success'], 'succeeded'],
      ['nothing in two passes proves nothing, where the provider does not say so', ['nothing', 'nothing'], 'unknown'],
    ])('%s', async (_, shown, state) => {
      await expect(lookUp(shown)).resolves.toEqual({ state, asked: 2 });
    });

    test('a success is believed by one pass', async () => {
      await expect(lookUp(['success'])).resolves.toEqual({ state: 'succeeded', asked: 1 });
    });
  });

  describe('a status that says failed', () => {
    async function poll(shown: readonly Shown[]): Promise<string> {
      const { id, passes } = await stand({ state: 'pending', outcome: 'accepted' }, shown);
      const fetchStatus = (): Promise<{ status: 'failed'; code: string; text: null }> =>
        Promise.resolve({ status: 'failed', code: 'FAILED', text: null });
      const deps = depsWith(world, { lookUp: passes.next, fetchStatus });
      const asked = await findAskedPayout(world.pool, id);
      await createStatusRound(deps, createLookUpRound(deps))(asked!).catch(() => undefined);
      return await stateOf(id);
    }

    test.each<[string, Shown[], string]>([
      ['a success pays it', ['success'], 'succeeded'],
      ['one in flight leaves it pending', ['in_flight'], 'pending'],
      ['a search that is cut leaves it pending', [CUT], 'pending'],
      ['a second search that is cut leaves it pending', ['nothing', CUT], 'pending'],
      ['a refusal in two passes fails it', ['failed', 'failed'], 'failed'],
      ['nothing in two passes fails it', ['nothing', 'nothing'], 'failed'],
    ])('is confirmed by a search: %s', async (_, shown, state) => {
      await expect(poll(shown)).resolves.toBe(state);
    });
  });
});
