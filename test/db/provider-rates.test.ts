import fc from 'fast-check';
import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import { leaseLateRequest, leaseRequests } from '../../src/db/provider-rates';
import type { RequestGrant } from '../../src/db/provider-rates';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';

describe('the requests of an account', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 8, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  let accounts = 0;

  /** An account whose bucket's clock is moved on by hand, on top of the real one. */
  function newAccount(perMinute: number): {
    lease(want: number, yields?: boolean): Promise<RequestGrant>;
    leaseLate(share: number): Promise<RequestGrant>;
    passes(ms: number): Promise<void>;
    now(): number;
  } {
    accounts += 1;
    const accountNumber = `account-${accounts}`;
    let passed = 0;
    return {
      lease: (want, yields = false) =>
        leaseRequests(pool, { provider: 'orange', accountNumber, want, perMinute, yields }),
      leaseLate: (share) => leaseLateRequest(pool, { provider: 'orange', accountNumber, perMinute, share }),
      async passes(ms) {
        passed += ms;
        await pool.query(
          `update provider_rates set refilled_at = refilled_at - $2 * interval '1 millisecond',
             late_asked_at = late_asked_at - $2 * interval '1 millisecond',
             waited_at = waited_at - $2 * interval '1 millisecond' where account_number = $1`,
          [accountNumber, ms],
        );
      },
      now: () => Date.now() + passed,
    };
  }

  const perMinute = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(60, 61, 1_000));
  const bursts = fc.array(
    fc.record({
      passMs: fc.nat(40_000),
      wants: fc.array(
        fc.oneof(
          fc.tuple(fc.integer({ min: 1, max: 30 }), fc.boolean()),
          fc.tuple(fc.constant(1), fc.constant('late' as const)),
        ),
        { minLength: 1, maxLength: 6 },
      ),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test('are never more than the limit in any minute, whoever leases them at once', async () => {
    await fc.assert(
      fc.asyncProperty(perMinute, bursts, async (limit, plan) => {
        const account = newAccount(limit);
        const grants: { from: number; to: number; granted: number }[] = [];
        for (const { passMs, wants } of plan) {
          await account.passes(passMs);
          const from = account.now();
          const granted = await Promise.all(
            wants.map(([want, of]) => (of === 'late' ? account.leaseLate(0.1) : account.lease(want, of))),
          );
          for (const [index, grant] of granted.entries()) {
            expect(grant.granted).toBeLessThanOrEqual(wants[index]![0]);
            expect(grant.granted > 0).toBe(grant.waitMs === 0);
          }
          grants.push({ from, to: account.now(), granted: granted.reduce((sum, grant) => sum + grant.granted, 0) });
        }
        // A minute that surely holds both ends: measured from before the first lease to after the last.
        for (const [index, first] of grants.entries()) {
          const minute = grants.slice(index).filter(({ to }) => to - first.from < 60_000);
          expect(minute.reduce((sum, { granted }) => sum + granted, 0)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('are all to be had over time: a waiter that comes back when it was told gets one', async () => {
    // A fifth of the limit is kept for bursts, so that four fifths flow in the long run; one a minute at least.
    for (const [limit, flow] of [
      [1, 1],
      [2, 1],
      [60, 48],
    ] as const) {
      const account = newAccount(limit);
      let granted = 0;
      const start = account.now();
      while (account.now() - start < 300_000) {
        const grant = await account.lease(limit);
        granted += grant.granted;
        if (grant.granted === 0) {
          await account.passes(grant.waitMs);
          expect((await account.lease(1)).granted).toBe(1);
          granted += 1;
        }
      }
      expect(granted).toBeGreaterThanOrEqual(flow * 5);
      expect(granted).toBeLessThanOrEqual(limit * 6);
    }
  });

  test('a hundred leases at once share one bucket', async () => {
    const account = newAccount(60);
    const grants = await Promise.all(Array.from({ length: 100 }, () => account.lease(1)));
    const granted = grants.reduce((sum, grant) => sum + grant.granted, 0);
    expect(granted).toBeGreaterThanOrEqual(12);
    expect(granted).toBeLessThanOrEqual(60);
  });

  test('those of bulks leave some to single payouts, and are told when there are more', async () => {
    const account = newAccount(60);
    expect((await account.lease(100, true)).granted).toBe(6);
    const { granted, waitMs } = await account.lease(1, true);
    expect(granted).toBe(0);
    expect((await account.lease(100)).granted).toBe(6);
    await account.passes(waitMs);
    expect((await account.lease(1, true)).granted).toBe(0);
    expect((await account.lease(100)).granted).toBeGreaterThan(0);
    await account.passes(60_000);
    expect((await account.lease(100, true)).granted).toBe(6);
  });

  describe('late checks', () => {
    /** Both come back exactly when they were told, for so many minutes, while as many payouts wait as there can be. */
    async function whileOthersWait(
      limit: number,
      share: number,
      { minutes, yields }: { minutes: number; yields: boolean },
    ): Promise<{ late: number; others: number }> {
      const account = newAccount(limit);
      await account.lease(limit, yields);
      const granted = { late: 0, others: 0 };
      const end = account.now() + minutes * 60_000;
      while (account.now() < end) {
        // Until it is told to wait.
        let others = await account.lease(limit, yields);
        for (; others.granted > 0; others = await account.lease(limit, yields)) granted.others += others.granted;
        const late = await account.leaseLate(share);
        granted.late += late.granted;
        const waits = [others, late].flatMap(({ waitMs }) => (waitMs > 0 ? [waitMs] : []));
        if (waits.length > 0) await account.passes(Math.min(...waits));
      }
      return granted;
    }

    test.each([
      [60, 0.1, false],
      [60, 0.1, true],
      [300, 0.2, false],
      [6, 0.25, false],
      [1, 0.5, false],
    ] as const)(
      'of %d requests a minute get a share of %d while others wait (bulks: %s)',
      async (limit, share, yields) => {
        const minutes = Math.ceil(30 / (limit * share));
        const { late, others } = await whileOthersWait(limit, share, { minutes, yields });
        expect(late).toBeGreaterThanOrEqual(Math.floor((late + others) * share) - 1);
        // Two may have added up before.
        expect(late).toBeLessThanOrEqual(Math.ceil((late + others) * share) + 2);
      },
    );

    test('take what nobody asks for, and leave the rest of a full bucket to who comes next', async () => {
      const account = newAccount(60);
      let late = 0;
      const end = account.now() + 60_000;
      while (account.now() < end) {
        const grant = await account.leaseLate(0.1);
        late += grant.granted;
        if (grant.granted === 0) await account.passes(grant.waitMs);
      }
      // All that flows in, not a tenth of it.
      expect(late).toBeGreaterThanOrEqual(40);
      expect((await account.lease(100)).granted).toBeGreaterThanOrEqual(8);
    });

    test('keep nothing from others once they ask no more', async () => {
      const account = newAccount(1);
      expect((await account.leaseLate(0.5)).granted).toBe(1);
      await account.passes(300_000);
      expect((await account.lease(1)).granted).toBe(1);
    });
  });

  test('of one a minute, even bulks get theirs', async () => {
    const account = newAccount(1);
    expect((await account.lease(1, true)).granted).toBe(1);
  });

  test('of two accounts are apart', async () => {
    const [one, other] = [newAccount(5), newAccount(5)];
    while ((await one.lease(5)).granted > 0);
    expect((await other.lease(1)).granted).toBe(1);
  });
});
