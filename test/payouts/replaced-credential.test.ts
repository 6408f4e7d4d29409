import { createPayoutWorld, PIN } from '../helpers/payout-world';

describe('a credential that is replaced after its token was renewed', () => {
  test('gets a token of its own, and payouts go on', async () => {
    const world = await createPayoutWorld();
    try {
      await world.startWorkers();
      const before = await world.accept();
      await world.startRun(before);
      await world.untilState(before, 'succeeded');

      await world.saveCredential(PIN, 'open');
      world.simulator.expireTokens();
      const after = await world.accept();
      await world.startRun(after);
      await world.untilState(after, 'succeeded');
    } finally {
      await world.close();
    }
  });
});
