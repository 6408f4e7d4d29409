import { judgeRows } from '../../src/domain/look-up';
import type { Verdict } from '../../src/domain/look-up';
import type { Clearance, PayoutOrder, Provider, ProviderError } from '../../src/providers/provider';
import { describeBulk } from './bulk-suite';
import { anyPage, prepareOrder, SITUATIONS, soon } from './provider-under-test';
import type { ProviderUnderTest, Situation } from './provider-under-test';

const PAID_UNSEEN: readonly Situation[] = SITUATIONS.filter((situation) => situation.endsWith('_after_paid'));

/**
 * The contract of the port, held against a real HTTP stand-in: a submission's outcome never says more than the ledger of
 * money truly moved, and a look-up finds what an answer lost. Call it once in a provider's own test file.
 */
export function describeProvider(name: string, start: () => Promise<ProviderUnderTest>): void {
  describe(`${name}, by the contract of the port`, () => {
    let world: ProviderUnderTest;

    beforeAll(async () => (world = await start()));
    afterAll(() => world.close());

    const go: Clearance = () => Promise.resolve('go');

    async function orderFor(situation: Situation): Promise<PayoutOrder | null> {
      const recipient = world.recipientFor(situation);
      return recipient === null ? null : prepareOrder(world, recipient);
    }

    async function judge(order: PayoutOrder, since: Date): Promise<Verdict['verdict']> {
      const { reference, amount, currency, account, token } = order;
      const rows = await world.provider.lookUp({ reference, since, account, token, nextPage: anyPage });
      return judgeRows(rows, {
        reference,
        amount,
        currency,
        recipient: world.provider.spellRecipient(order.recipient),
        partner: order.account.accountNumber,
      }).verdict;
    }

    it('a payout that is paid at once is settled, credited once, and found by a look-up', async () => {
      const since = new Date();
      const order = (await orderFor('paid_at_once'))!;
      const outcome = await world.provider.submit(order, go, soon());
      expect(outcome).toMatchObject({ outcome: 'settled', providerReference: expect.any(String) });
      expect(world.creditsOf(order.reference)).toEqual([order.amount]);
      expect(await judge(order, since)).toBe('settled');
    });

    it.each([
      ['paid_later', 'success'],
      ['refused_later', 'failed'],
    ] as const)('a payout that is %s is accepted, then polled until it is a %s', async (situation, final) => {
      const order = await orderFor(situation);
      if (order === null) return;
      const outcome = await world.provider.submit(order, go, soon());
      if (outcome.outcome !== 'accepted' || outcome.providerReference === null)
        throw new Error(`expected accepted with a reference, was ${outcome.outcome}`);
      const status = await pollUntilFinal(world.provider, order, outcome.providerReference);
      expect(status).toBe(final);
      expect(world.creditsOf(order.reference)).toEqual(final === 'success' ? [order.amount] : []);
    });

    it.each([
      ['refused', 'final'],
      ['float_low', 'provider_float'],
      ['throttled', 'throttled'],
    ] as const)('a payout that is %s is rejected as %s and not paid', async (situation, kind) => {
      const order = await orderFor(situation);
      if (order === null) return;
      const since = new Date();
      expect(await world.provider.submit(order, go, soon())).toMatchObject({ outcome: 'rejected', kind });
      expect(world.creditsOf(order.reference)).toEqual([]);
      expect(['absent', 'rejected']).toContain(await judge(order, since));
    });

    it.each(PAID_UNSEEN)('%s: the outcome is unknown, and a look-up finds it paid', async (situation) => {
      const order = await orderFor(situation);
      if (order === null) return;
      const since = new Date();
      expect(await world.provider.submit(order, go, soon())).toMatchObject({ outcome: 'unknown' });
      expect(world.requestsOf(order.reference)).toBe(1);
      expect(world.creditsOf(order.reference)).toEqual([order.amount]);
      expect(await judge(order, since)).toBe('settled');
    });

    it('an answer lost before money moved is unknown too, and a look-up shows nothing', async () => {
      const order = await orderFor('lost_unpaid');
      if (order === null) return;
      const since = new Date();
      expect(await world.provider.submit(order, go, soon())).toMatchObject({ outcome: 'unknown' });
      expect(world.creditsOf(order.reference)).toEqual([]);
      expect(await judge(order, since)).toBe('absent');
    });

    it.each([
      ['clearance says stop', (): Promise<'stop'> => Promise.resolve('stop'), soon()],
      ['the time to send is over', go, new Date(0)],
    ] as const)('where %s nothing reaches the provider', async (_when, clearance, sendBy) => {
      const order = (await orderFor('paid_at_once'))!;
      expect(await world.provider.submit(order, clearance, sendBy)).toMatchObject({ outcome: 'not_sent' });
      expect(world.requestsOf(order.reference)).toBe(0);
    });

    it('where clearance fails its error is passed on and nothing reaches the provider', async () => {
      const order = (await orderFor('paid_at_once'))!;
      const failing = world.provider.submit(order, () => Promise.reject(new Error('no database')), soon());
      await expect(failing).rejects.toThrow('no database');
      expect(world.requestsOf(order.reference)).toBe(0);
    });

    it('a token that nobody issued is a refusal that a new token cures', async () => {
      const order = (await orderFor('paid_at_once'))!;
      const refused = await world.provider.submit({ ...order, token: 'nobody-issued-this' }, go, soon());
      expect(refused).toMatchObject({ outcome: 'rejected', kind: 'credential', remedy: 'renew_token' });
      expect(world.creditsOf(order.reference)).toEqual([]);
      expect(await world.provider.submit(order, go, soon())).toMatchObject({ outcome: 'settled' });
    });

    it('a wrong client secret is a token error that shows no secret', async () => {
      const account = { ...world.account, clientSecret: 'wrong-and-secret' };
      const error = await world.provider.authenticate(account).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ProviderError', kind: 'token' });
      expect(JSON.stringify([error, (error as ProviderError).message])).not.toContain('wrong-and-secret');
    });

    it('sends the same reference twice without a second credit only where its contract promises that', async () => {
      if (world.provider.dedupe.kind !== 'key') return;
      const order = (await orderFor('paid_at_once'))!;
      await world.provider.submit(order, go, soon());
      await world.provider.submit(order, go, soon());
      expect(world.creditsOf(order.reference)).toEqual([order.amount]);
    });

    it('states a settlement window and a time for a submit that covers all its stages', () => {
      expect(world.provider.settlementWindowMs).toBeGreaterThan(0);
      expect(world.provider.submitTimeoutMs).toBeGreaterThan(0);
    });
  });

  describeBulk(name, start);
}

async function pollUntilFinal(provider: Provider, order: PayoutOrder, providerReference: string): Promise<string> {
  for (;;) {
    const { status } = await provider.fetchStatus(order.account, order.token, providerReference);
    if (status !== 'in_flight') return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
