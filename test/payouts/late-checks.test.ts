import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';

import { createLateCheckActivities } from '../../src/activities/late-checks';
import type { RequestBudget } from '../../src/activities/request-budget';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import { ProviderError } from '../../src/providers/provider';
import { createCountedAccess } from '../helpers/counted-requests';
import { createCountingBudget } from '../helpers/counting-budget';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';

const PAGE_SIZE = 3;

describe('a round of late checks', () => {
  let world: PayoutWorld;
  beforeEach(async () => {
    world = await createPayoutWorld();
  });
  afterEach(() => world.close());

  /** A round, with what it takes from the account's budget; after so many requests none is left. */
  async function round(most = Infinity): Promise<{ searches: number; spent: number }> {
    const { access } = createCountedAccess(world, { bulkPageSize: PAGE_SIZE, lookUpPageSize: PAGE_SIZE });
    // The token is taken from the payouts' part, ahead of what is counted.
    await access.token(await access.open(world.credentialId), { leastLifeMs: 10_000 });
    const counted = createCountingBudget();
    const late: RequestBudget = {
      ...counted,
      async spend(account) {
        if (counted.spent() >= most) throw new ProviderError('throttled', 'none is left');
        await counted.spend(account);
      },
    };
    const never = (): never => {
      throw new Error('late checks take their requests from their own share');
    };
    const budget = { spend: never, spendSome: never, yielding: counted, late };
    const { pool, settings, simulator } = world;
    const activities = createLateCheckActivities({
      ...{ pool, access, budget, settings },
      logger: pino({ level: 'silent' }),
    });
    const before = simulator.requests().byEndpoint.search;
    await new MockActivityEnvironment().run(() => activities.checkLateSettlements(world.credentialId));
    return { searches: simulator.requests().byEndpoint.search - before, spent: counted.spent() };
  }

  async function stand(state: PayoutState, ...outcomes: SubmissionOutcome[]): Promise<{ id: string; sub: string }> {
    const { id, submissions } = await standPayout(world, { state, outcomes });
    await world.pool.query('update late_checks set next_late_check_at = clock_timestamp()');
    return { id, sub: submissions[0]! };
  }

  async function due(): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ submission_id: string }>(
      'select submission_id from late_checks where next_late_check_at <= clock_timestamp()',
    );
    return rows.map(({ submission_id }) => submission_id);
  }

  async function reviews(payoutId: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ kind: string }>(
      'select kind from review_items where payout_id = $1 and closed_at is null',
      [payoutId],
    );
    return rows.map(({ kind }) => kind);
  }

  /** The provider pays under the reference of a submission, to the recipient of its payout. */
  async function pay(payoutId: string, reference: string, times = 1): Promise<void> {
    const orange = world.providers.orange.sandbox;
    const client = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };
    const account = { ...client, accountNumber: ACCOUNT, idType: 'MSISDN' } as const;
    const token = (await orange.authenticate(account)).value;
    const encryptedPin = orange.account.encryptPin(PIN, await orange.account.fetchEncryptionKey(account, token));
    const { amount, currency, recipient } = await world.payout(payoutId);
    const order = { reference, amount, currency, recipient: recipient.msisdn!, account, token, encryptedPin };
    for (let time = 0; time < times; time += 1) {
      await orange.submit(order, () => Promise.resolve('go'), new Date(Date.now() + 30_000));
    }
  }

  test('asks about all submissions of an account by one search, of all its pages', async () => {
    const refused = await stand('failed', 'rejected');
    const paid = await Promise.all([1, 2, 3, 4].map(() => stand('succeeded', 'settled')));
    for (const { id, sub } of paid) await pay(id, sub);
    for (let others = 0; others < 2; others += 1) await stand('queued', 'rejected');
    expect(await due()).toHaveLength(7);
    // Four rows of three a page.
    expect(await round()).toEqual({ searches: 2, spent: 2 });
    expect(await due()).toEqual([]);
    expect(await reviews(refused.id)).toEqual([]);
  });

  test.each([
    ['queued', 'in_review', 'late_credit'],
    ['unknown', 'in_review', 'late_credit'],
    ['failed', 'failed', 'late_credit'],
    ['succeeded', 'succeeded', 'double_credit'],
  ] as const)(
    'finds what is paid late of a payout that is %s: it is %s, with the question %s',
    async (state, then, kind) => {
      await stand('failed', 'rejected');
      const { id, sub } = await stand(state, 'rejected', state === 'unknown' ? 'unknown' : 'not_sent');
      await pay(id, sub);
      expect((await round()).searches).toBe(1);
      expect((await world.payout(id)).state).toBe(then);
      expect(await reviews(id)).toEqual([kind]);
    },
  );

  test('finds a second payment of one that succeeded, and asks about it once only', async () => {
    await stand('failed', 'rejected');
    const { id, sub } = await stand('succeeded', 'settled');
    await pay(id, sub, 2);
    await round();
    expect(await reviews(id)).toEqual(['double_credit']);
    const { rowCount } = await world.pool.query('select 1 from late_checks where submission_id = $1', [sub]);
    expect(rowCount).toBe(0);
  });

  test('that is cut keeps the success that it saw, and is no check of any submission', async () => {
    const first = await stand('failed', 'rejected');
    const last = await stand('failed', 'rejected');
    await pay(first.id, first.sub);
    for (let others = 0; others < PAGE_SIZE - 1; others += 1) {
      const { id, sub } = await stand('succeeded', 'settled');
      await pay(id, sub);
    }
    // The newest are shown first.
    await pay(last.id, last.sub);
    const before = await due();
    expect((await round(1)).searches).toBe(1);
    expect(await reviews(last.id)).toEqual(['late_credit']);
    expect(await reviews(first.id)).toEqual([]);
    expect(await due()).toEqual(before);

    await round();
    expect(await reviews(first.id)).toEqual(['late_credit']);
    expect(await due()).toEqual([]);
  });

  test('that is cut does not take an absence or a failure for an answer', async () => {
    const { sub } = await stand('failed', 'rejected');
    await stand('failed', 'rejected');
    await world.pool.query("update late_checks set since = now() - interval '2 days' where submission_id = $1", [sub]);
    expect((await round(0)).searches).toBe(0);
    expect(await due()).toHaveLength(2);
    await round();
    const { rows } = await world.pool.query<{ submission_id: string }>('select submission_id from late_checks');
    expect(rows.map(({ submission_id }) => submission_id)).not.toContain(sub);
    expect(rows).toHaveLength(1);
  });

  test('searches by reference for one alone, and for those that were sent more than a day ago', async () => {
    const old = await Promise.all([1, 2].map(() => stand('failed', 'rejected')));
    for (const { sub } of old) {
      await world.pool.query("update submissions set created_at = now() - interval '25 hours' where id = $1", [sub]);
    }
    for (let others = 0; others < 3; others += 1) await stand('failed', 'rejected');
    await pay(old[0]!.id, old[0]!.sub);
    expect(await round()).toEqual({ searches: 3, spent: 3 });
    expect(await reviews(old[0]!.id)).toEqual(['late_credit']);
    expect(await due()).toEqual([]);

    await world.pool.query('delete from late_checks');
    const { id, sub } = await stand('failed', 'rejected');
    for (let others = 0; others < PAGE_SIZE + 1; others += 1) {
      const other = await stand('processing');
      await pay(other.id, `sub_other_${others}`);
    }
    await pay(id, sub);
    expect(await round()).toEqual({ searches: 1, spent: 1 });
    expect(await reviews(id)).toEqual(['late_credit']);
  });

  test('goes on where one submission cannot be merged, which stays due', async () => {
    const stuck = await stand('failed', 'rejected');
    const { id, sub } = await stand('failed', 'rejected');
    await pay(stuck.id, stuck.sub);
    await pay(id, sub);
    await world.pool.query(
      `create function refuse_stuck() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
       create trigger refuse_stuck before insert on look_ups for each row when (new.submission_id = '${stuck.sub}')
         execute function refuse_stuck()`,
    );
    await round();
    expect(await reviews(id)).toEqual(['late_credit']);
    expect(await due()).toEqual([stuck.sub]);
  });
});
