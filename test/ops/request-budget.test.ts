import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { budgetOf, createOperatorsDesk, operatorEvents } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

const NEW_PIN = '97531';
const REGISTER = 'register-callback --code 123456 --url https://payouts.example';

/** As few as let one command through at once, so that a second one would have to wait for seconds. */
const REQUESTS_PER_MINUTE = 20;

describe('an operator’s calls to a provider', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;
  let spent: string[];

  beforeAll(async () => {
    world = await createPayoutWorld({ requestsPerMinute: REQUESTS_PER_MINUTE });
    const budget = budgetOf(world);
    desk = createOperatorsDesk(world, {
      async spend(account) {
        await budget.spend(account);
        spent.push(`${account.provider}/${account.accountNumber}`);
      },
    });
  });
  afterAll(() => world.close());

  beforeEach(async () => {
    world.simulator.reset();
    world.simulator.configure({ rateLimitPerMinute: null });
    await world.saveCredential(PIN, 'open');
    await world.pool.query('delete from provider_rates');
    spent = [];
  });

  /** Runs a command by its words; `credential set` with the PIN that is saved. */
  async function run(words: string): Promise<Answer> {
    const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
    if (words !== 'credential set') return await desk.run('provider', `${words} ${where}`, { input: NEW_PIN });
    const input = JSON.stringify({ client_id: 'sandbox-client', client_secret: 'sandbox-secret', pin: PIN });
    return await desk.run('credential', `set ${where} --provider orange --account ${ACCOUNT}`, { input });
  }

  /** Requests of any kind that reached the provider. */
  function requests(): number {
    const { pinBearing, pinFree } = world.simulator.requests();
    return pinBearing + pinFree;
  }

  test.each([
    ['balance', 3],
    ['transactions', 2],
    ['sandbox-numbers', 2],
    [REGISTER, 2],
    ['credential set', 3],
  ])('%s: every request comes from the account’s budget', async (words, count) => {
    expect((await run(words)).refused).toBeNull();
    expect([requests(), spent]).toEqual([count, Array.from({ length: count }, () => `orange/${ACCOUNT}`)]);
  });

  test('change-pin has the request of its probe before it begins', async () => {
    world.simulator.configure({ endpointFaults: { changePin: { lost_after: 1 } } });
    expect((await run('change-pin')).printed).toEqual([expect.stringContaining('changed:')]);
    expect([requests(), spent.length]).toEqual([4, 4]);
  });

  test.each(['balance', 'transactions', 'sandbox-numbers', REGISTER, 'credential set', 'change-pin'])(
    '%s: where none is left nobody is called, nothing is changed, and it is said',
    async (words) => {
      const before = (await world.pool.query('select * from credentials')).rows as unknown[];
      const { rows } = await world.pool.query<{ events: number }>(
        'select count(*)::int as events from operator_events',
      );
      await world.pool.query(
        `insert into provider_rates (provider, account_number, tokens, refilled_at)
         values ('orange', $1, 0, clock_timestamp())`,
        [ACCOUNT],
      );
      expect((await run(words)).refused).toContain('all requests of this account');
      expect([requests(), spent]).toEqual([0, []]);
      expect((await world.pool.query('select * from credentials')).rows).toEqual(before);
      expect((await world.pool.query('select state from pin_gates')).rows).toEqual([{ state: 'open' }]);
      const action = words === 'credential set' ? 'credential_set_refused' : eventOf(words);
      expect(JSON.stringify(await operatorEvents(world, action, rows[0]!.events))).toContain('no_request_left');
    },
  );

  function eventOf(words: string): string {
    const word = words.split(' ')[0]!.replace(/-/g, '_');
    return word === 'change_pin' ? word : `provider_${word}`;
  }
});
