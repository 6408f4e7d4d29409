import { judgeRows } from '../../src/domain/look-up';
import type { Outcome } from '../../src/domain/outcome';
import { createOrangeProvider } from '../../src/providers/orange';
import type { NextPage } from '../../src/providers/provider';
import { SCENARIOS } from '../../src/simulators/orange';
import type { ScenarioName } from '../../src/simulators/orange';
import { startOrangeWorld } from './orange-world';
import type { OrangeWorld } from './orange-world';
import { describeProvider } from './provider-suite';
import { anyPage, prepareOrder, soon } from './provider-under-test';

const REFUSED = { outcome: 'rejected', kind: 'final', remedy: null };
const SETTLED = { outcome: 'settled' };
const ACCEPTED = { outcome: 'accepted' };
const FLOAT = { outcome: 'rejected', kind: 'provider_float', remedy: null };
const CREDENTIAL = { outcome: 'rejected', kind: 'credential', remedy: null };
const THROTTLED = { outcome: 'rejected', kind: 'throttled', remedy: null };

function unknown(reason: string): Partial<Outcome> {
  return { outcome: 'unknown', reason };
}

/** What the connector must say of every scenario of the simulator. */
const EXPECTED: Record<ScenarioName, object> = {
  default: SETTLED,
  followed_redirect: SETTLED,
  success: SETTLED,
  pending_success: ACCEPTED,
  accepted_success: ACCEPTED,
  initiated_success: ACCEPTED,
  pre_initiated_success: ACCEPTED,
  failed: REFUSED,
  rejected: REFUSED,
  cancelled: REFUSED,
  failed_ceiling_text: { ...REFUSED, text: 'Le plafond de transactions par mois est atteint' },
  pending_failed: ACCEPTED,
  never_final: ACCEPTED,
  never_final_moved: ACCEPTED,
  customer_unknown: { ...REFUSED, code: '2000' },
  customer_msisdn_invalid: REFUSED,
  pin_to_be_changed: { outcome: 'rejected', kind: 'credential', remedy: 'rotate_secret' },
  balance_insufficient: FLOAT,
  payer_balance_insufficient: FLOAT,
  payee_balance_insufficient: REFUSED,
  ceiling_reached: REFUSED,
  payer_ceiling_reached: FLOAT,
  payee_ceiling_reached: REFUSED,
  code_2030: REFUSED,
  code_2031: FLOAT,
  code_2040: REFUSED,
  not_allowed: REFUSED,
  payer_not_allowed: CREDENTIAL,
  payee_not_allowed: REFUSED,
  bad_request: REFUSED,
  invalid_parameter: REFUSED,
  missing_body: REFUSED,
  invalid_body: REFUSED,
  missing_body_field: REFUSED,
  invalid_body_field: REFUSED,
  access_forbidden: CREDENTIAL,
  not_found: CREDENTIAL,
  internal_error: unknown('server_error'),
  try_later_500: unknown('server_error'),
  try_later_502: unknown('server_error'),
  try_later_503: unknown('server_error'),
  throttled: THROTTLED,
  throttled_once: THROTTLED,
  unauthorized_once: { outcome: 'rejected', kind: 'credential', remedy: 'renew_token' },
  stale_key_once: { outcome: 'rejected', kind: 'stale_key', remedy: 'renew_key' },
  payer_balance_once: FLOAT,
  unmapped_code: unknown('unmapped_code'),
  no_code: unknown('unmapped_code'),
  pending_51_success: unknown('pending_at_provider'),
  pending_51_failed: unknown('pending_at_provider'),
  error_500_moved: unknown('server_error'),
  error_503_moved: unknown('server_error'),
  html_502_moved: unknown('server_error'),
  lost_moved: unknown('connection_lost'),
  lost_unmoved: unknown('connection_lost'),
  reset_moved: unknown('connection_lost'),
  reset_unmoved: unknown('connection_lost'),
  redirect_307_moved: unknown('redirect'),
  redirect_302_moved: unknown('redirect'),
  redirect_307_unmoved: unknown('redirect'),
  slow_headers: unknown('headers_timeout'),
  slow_body: unknown('body_timeout'),
  slow_then_moves: unknown('headers_timeout'),
  malformed_body: unknown('malformed_body'),
  cut_body: unknown('connection_lost'),
  empty_body: unknown('malformed_body'),
  unknown_status: unknown('unmapped_status'),
  other_reference: unknown('other_reference'),
  no_reference: SETTLED,
  no_transaction_id: unknown('malformed_body'),
  row_wrong_amount: unknown('connection_lost'),
  row_wrong_recipient: unknown('connection_lost'),
  failed_and_success: unknown('connection_lost'),
  double_credit: unknown('connection_lost'),
  late_row: unknown('connection_lost'),
  hidden_row: unknown('connection_lost'),
  flapping_row: unknown('connection_lost'),
};

describeProvider('Orange Money', () => startOrangeWorld({ bulkPageSize: 2 }));

describe('Orange Money, by the scenarios of its simulator', () => {
  let world: OrangeWorld;

  beforeAll(async () => (world = await startOrangeWorld()));
  afterAll(() => world.close());

  it('has an expectation for every scenario', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(SCENARIOS.map((scenario) => scenario.name).sort());
  });

  it.each(SCENARIOS.map((scenario) => scenario.name))('%s', async (name) => {
    const order = await prepareOrder(world, world.recipientOf(name));
    const outcome = await world.provider.submit(order, () => Promise.resolve('go'), soon());
    expect(outcome).toMatchObject(EXPECTED[name]);
    const credits = world.creditsOf(order.reference);
    if (outcome.outcome === 'settled') expect(credits).toEqual([order.amount]);
    if (outcome.outcome === 'rejected') expect(credits).toEqual([]);
  });

  it.each([
    ['row_wrong_amount', { verdict: 'review', item: 'mismatch' }],
    ['row_wrong_recipient', { verdict: 'review', item: 'mismatch' }],
    ['double_credit', { verdict: 'review', item: 'double_credit' }],
    ['failed_and_success', { verdict: 'settled' }],
    ['hidden_row', { verdict: 'absent' }],
  ] as const)('%s is judged as it is', async (name, verdict) => {
    const order = await prepareOrder(world, world.recipientOf(name));
    const since = new Date();
    await world.provider.submit(order, () => Promise.resolve('go'), soon());
    const { reference, amount, currency, account, token } = order;
    const rows = await world.provider.lookUp({ reference, since, account, token, nextPage: anyPage });
    expect(
      judgeRows(rows, {
        reference,
        amount,
        currency,
        recipient: world.provider.spellRecipient(order.recipient),
        partner: order.account.accountNumber,
      }),
    ).toMatchObject(verdict);
  });
});

describe('the paying account', () => {
  let world: OrangeWorld;
  let token: string;

  beforeEach(async () => {
    world = await startOrangeWorld({ lookUpPageSize: 2 });
    token = (await world.provider.authenticate(world.account)).value;
  });
  afterEach(() => world.close());

  async function encrypt(pin: string): Promise<string> {
    const { account, provider } = world;
    return provider.account.encryptPin(pin, await provider.account.fetchEncryptionKey(account, token));
  }

  it('gives a token with the life that the provider states', async () => {
    expect(await world.provider.authenticate(world.account)).toEqual({
      value: expect.any(String),
      expiresInSeconds: 299,
    });
  });

  it('shows its balance to a right PIN, and counts a wrong one', async () => {
    const { account, provider, simulator } = world;
    const float = BigInt(simulator.ledger().balances['781234567']!);
    expect(await provider.account.fetchRetailerBalance(account, token, await encrypt('2468'))).toEqual({
      amount: float,
      currency: 'XOF',
    });
    for (const code of ['2011', '2012', '2013', '2013']) {
      const wrong = provider.account.fetchRetailerBalance(account, token, await encrypt('1111'));
      await expect(wrong).rejects.toMatchObject({ kind: 'pin', code });
    }
  });

  it('shows its profile without a PIN, and whether it is suspended', async () => {
    const { account, provider, simulator } = world;
    expect(await provider.account.fetchProfile(account, token)).toMatchObject({ currency: 'XOF', suspended: false });
    simulator.putAccount({ msisdn: '781234567', suspended: true });
    expect(await provider.account.fetchProfile(account, token)).toMatchObject({ suspended: true });
    expect(simulator.requests().pinBearing).toBe(0);
  });

  it("shows a customer's balance", async () => {
    const { account, provider } = world;
    const [customer] = (await provider.account.fetchSandboxNumbers(token)).filter(({ type }) => type === 'CUSTOMER');
    const own = { ...account, accountNumber: customer!.msisdn };
    const balance = await provider.account.fetchCustomerBalance(own, token, await encrypt(customer!.pin!));
    expect(balance).toEqual({ amount: expect.any(BigInt), currency: 'XOF' });
  });

  it('says that a PIN was encrypted with a key that was rolled since', async () => {
    const { account, provider, simulator } = world;
    const stale = await encrypt('2468');
    await simulator.rollKey();
    await expect(provider.account.fetchRetailerBalance(account, token, stale)).rejects.toMatchObject({ kind: 'key' });
    expect(await provider.account.fetchRetailerBalance(account, token, await encrypt('2468'))).toBeDefined();
  });

  it('changes its PIN', async () => {
    const { account, provider } = world;
    const change = async (from: string, to: string): Promise<unknown> =>
      provider.account.changePin(account, token, {
        encryptedPin: await encrypt(from),
        encryptedNewPin: await encrypt(to),
      });
    expect(await change('1111', '1357')).toEqual({ outcome: 'wrong_pin', code: '2011' });
    expect(await change('2468', '1357')).toEqual({ outcome: 'changed', code: null });
    expect(await provider.account.fetchRetailerBalance(account, token, await encrypt('1357'))).toBeDefined();
  });

  it.each([
    ['lost_after', 'unknown'],
    ['lost', 'unknown'],
    ['error_500', 'unknown'],
    ['malformed', 'unknown'],
  ] as const)('does not know its PIN after the answer to a change was %s', async (fault, outcome) => {
    const pins = { encryptedPin: await encrypt('2468'), encryptedNewPin: await encrypt('1357') };
    world.simulator.configure({ endpointFaults: { changePin: { [fault]: 1 } } });
    expect(await world.provider.account.changePin(world.account, token, pins)).toMatchObject({ outcome });
  });

  it('throws for a change that was certainly not made', async () => {
    const { account, provider, simulator } = world;
    const pins = { encryptedPin: await encrypt('2468'), encryptedNewPin: await encrypt('1357') };
    await expect(provider.account.changePin(account, 'no-token', pins)).rejects.toMatchObject({ kind: 'token' });
    await simulator.rollKey();
    await expect(provider.account.changePin(account, token, pins)).rejects.toMatchObject({ kind: 'key' });
    expect(await provider.account.fetchRetailerBalance(account, token, await encrypt('2468'))).toBeDefined();
  });

  it.each([true, false])(
    'registers a callback, whether the answer has a body or not (%p)',
    async (emptyRegistrationBody) => {
      const { simulator } = world;
      simulator.configure({ callbacks: { emptyRegistrationBody } });
      const registration = {
        code: '123456',
        callbackUrl: 'https://cauri.example/callbacks/orange/x',
        name: 'n',
        apiKey: 'k',
      };
      await world.provider.account.registerCallback(token, registration);
      await expect(
        world.provider.account.registerCallback(token, { ...registration, callbackUrl: 'http://cauri.example' }),
      ).rejects.toMatchObject({ kind: 'refused' });
    },
  );

  it('reads every page of a reference, and the amounts that come as floats', async () => {
    const { provider } = world;
    const since = new Date();
    const order = await prepareOrder(world, world.recipientOf('default'));
    for (let sent = 0; sent < 5; sent += 1) await provider.submit(order, () => Promise.resolve('go'), soon());
    const { reference, account } = order;
    const nextPage = jest.fn<ReturnType<NextPage>, []>(() => Promise.resolve());
    const rows = await provider.lookUp({ reference, since, account, token, nextPage });
    expect(new Set(rows.map((row) => row.providerReference)).size).toBe(5);
    expect(rows[0]).toMatchObject({ amount: 1500n, currency: 'XOF', status: 'success', partner: '781234567' });
    const requests = world.simulator.requests().byEndpoint.search;
    expect(requests).toBe(3);
    expect(nextPage).toHaveBeenCalledTimes(requests - 1);
    expect(await provider.account.searchTransactions(token, { reference, page: 2, size: 2 })).toHaveLength(1);
  });

  it.each([
    ['error_500', 'unavailable'],
    ['lost', 'unavailable'],
    ['malformed', 'malformed'],
    ['unauthorized', 'token'],
    ['throttled', 'throttled'],
  ] as const)('a call that moves no money and meets %s throws %s', async (fault, kind) => {
    const { account, provider, simulator } = world;
    const every = { [fault]: 1 };
    simulator.configure({ endpointFaults: { search: every, status: every, profile: every, publicKey: every } });
    const calls = [
      provider.lookUp({ reference: 'r', since: new Date(), account, token, nextPage: anyPage }),
      provider.fetchStatus(account, token, 'CI220928.1029.C58502'),
      provider.account.fetchProfile(account, token),
      provider.account.fetchEncryptionKey(account, token),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { name: 'ProviderError', kind } });
    }
  });

  it('a status of a transaction that nobody knows is refused', async () => {
    const status = world.provider.fetchStatus(world.account, token, 'CI220928.1029.C58502');
    await expect(status).rejects.toMatchObject({ kind: 'refused', code: '60' });
  });
});

it('where the provider is away, a payout is not sent and other calls are unreachable', async () => {
  const world = await startOrangeWorld();
  const order = await prepareOrder(world, world.recipientOf('success'));
  await world.close();
  const clearance = jest.fn(() => Promise.resolve('go' as const));
  expect(await world.provider.submit(order, clearance, soon())).toMatchObject({
    outcome: 'not_sent',
    reason: 'connect_failed',
  });
  expect(clearance).not.toHaveBeenCalled();
  await expect(
    createOrangeProvider({ baseUrl: world.simulator.url }).authenticate(world.account),
  ).rejects.toMatchObject({
    kind: 'unreachable',
  });
});
