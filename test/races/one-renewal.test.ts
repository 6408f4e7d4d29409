import fc from 'fast-check';

import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { expectAllowedHistory } from './allowed-history';
import { holdsFor } from './property';
import { createWorkerProcess } from './worker-process';

/** At the beginning, and after each thing that was made stale. */
const PAYOUTS = { first: 50, later: 20 };
const WORKERS = 3;

/** What the provider makes stale before the payouts begin, and what may then be asked of it. */
const STALE = {
  nothing: { tokens: 0, keys: 0 },
  token: { tokens: 1, keys: 0 },
  key: { tokens: 0, keys: 1 },
} as const;

describe('payouts at once that need a token or a key', () => {
  let world: PayoutWorld;
  beforeAll(async () => {
    world = await createPayoutWorld();
    for (let worker = 0; worker < WORKERS; worker += 1) await world.startWorkers(createWorkerProcess(world));
  });
  afterAll(() => world.close());

  async function carry(payouts: number): Promise<{ tokens: number; keys: number }> {
    const { byEndpoint: before } = world.simulator.requests();
    const recipients = Array.from({ length: payouts }, () => world.recipientOf('success'));
    const ids = await Promise.all(recipients.map((recipient) => world.accept({ recipient, amount: 1_000n })));
    await Promise.all(ids.map((id) => world.startRun(id)));
    for (const id of ids) await world.untilState(id, 'succeeded');
    const { byEndpoint: after } = world.simulator.requests();
    for (const id of ids) await expectAllowedHistory(world, id);
    for (const recipient of recipients) expect(await world.credited(recipient)).toBe(1_000n);
    return { tokens: after.token - before.token, keys: after.publicKey - before.publicKey };
  }

  test('one asks for all of them, over three workers: for fifty at the beginning, and whatever is refused later', async () => {
    expect(await carry(PAYOUTS.first)).toEqual({ tokens: 1, keys: 1 });
    const stale = fc.constantFrom(...(Object.keys(STALE) as (keyof typeof STALE)[]));
    await holdsFor(fc.uniqueArray(stale, { minLength: 3, maxLength: 3 }), 1, async (order) => {
      for (const what of order) {
        if (what === 'token') world.simulator.expireTokens();
        if (what === 'key') await world.simulator.rollKey();
        expect({ what, ...(await carry(PAYOUTS.later)) }).toEqual({ what, ...STALE[what] });
      }
    });
  });
});
