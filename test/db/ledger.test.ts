import fc from 'fast-check';
import type { PoolClient } from 'pg';

import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { refusal, standPayout } from '../helpers/standing-payout';

/** Refusals of PostgreSQL that the rules of money ask for; anything else that a step meets is a defect. */
const EXPECTED_REFUSALS = new Set([
  'done',
  'CA402', // too little float
  'CA409', // a submission is not proven unpaid
  'CA002', // the hold is closed otherwise
  '23505', // the hold is open already
  'P0002', // there is no such hold
]);

const AMOUNTS = [400_000n, 300_000n, 200_000n, 200_000n];

const STEPS = {
  open: 'select open_hold($1)',
  capture: 'select capture_hold($1, $2)',
  release: 'select release_hold($1)',
  return: 'select book_return($1)',
  reverse: 'select book_reversal($1)',
} as const;

type StepKind = keyof typeof STEPS;

type Step = { kind: StepKind; payout: number; cause: number } | { kind: 'top_up'; cause: number };

const payoutStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...(Object.keys(STEPS) as StepKind[])),
  payout: fc.nat(AMOUNTS.length - 1),
  cause: fc.nat(1),
});
const topUpStep: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('top_up' as const), cause: fc.nat(2) });
const step = fc.oneof({ weight: 6, arbitrary: payoutStep }, { weight: 1, arbitrary: topUpStep });

describe('the ledger', () => {
  let world: PayoutWorld;
  let clients: PoolClient[];

  beforeAll(async () => {
    world = await createPayoutWorld();
    clients = await Promise.all(Array.from({ length: 4 }, () => world.pool.connect()));
  });
  afterAll(async () => {
    for (const client of clients) client.release();
    await world.close();
  });

  let round = 0;

  /** A merchant of its own with payouts that hold nothing yet, and a float that not all of them fit in. */
  async function newRound(): Promise<{ merchant: string; payouts: readonly string[] }> {
    round += 1;
    const merchant = `mer_round_${round}`;
    await world.pool.query('insert into merchants (id, name) values ($1, $1)', [merchant]);
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 700000, 'first')", [merchant]);
    const payouts = AMOUNTS.map((_, index) => `po_round_${round}_${index}`);
    await world.pool.query(
      `insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider,
         credential_id, description, customer_enc, reason, sweep_after, created_by)
       select payout.id, $1, 'sandbox', 'payout/' || payout.id, 'queued', payout.amount, 'XOF', 'orange_sn', 'orange',
         $4, 'test', '', 'accepted_by_api', now(), 'test'
       from unnest($2::text[], $3::bigint[]) as payout (id, amount)`,
      [merchant, payouts, AMOUNTS, world.credentialId],
    );
    return { merchant, payouts };
  }

  function run(client: PoolClient, merchant: string, payouts: readonly string[], next: Step): Promise<string> {
    const cause = `${merchant}/${next.cause}`;
    if (next.kind === 'top_up') {
      return refusal(client.query("select top_up_float($1, 'sandbox', 'XOF', 50000, $2)", [merchant, cause]));
    }
    const payout = payouts[next.payout];
    return refusal(client.query(STEPS[next.kind], next.kind === 'capture' ? [payout, `${payout}/${cause}`] : [payout]));
  }

  async function inspect(merchant: string): Promise<Record<string, unknown>> {
    const { rows } = await world.pool.query<Record<string, unknown>>(
      `with account as (select * from ledger_accounts where merchant_id = $1),
         entry as (select * from ledger_entries where from_account in (select id from account)),
         moved as (
           select id, coalesce((select sum(amount) from entry where to_account = account.id), 0)
             - coalesce((select sum(amount) from entry where from_account = account.id), 0) as balance from account)
       select
         (select sum(balance) from ledger_accounts)::text as "sumOfAll",
         (select count(*) from account where kind in ('available', 'held') and balance < 0)::int as overdrawn,
         (select count(*) from account join moved using (id) where account.balance <> moved.balance)::int
           as "notByEntries",
         coalesce((select balance from account where kind = 'held'), 0)::text as held,
         (select coalesce(sum(holds.amount), 0) from holds join payouts on payouts.id = holds.payout_id
            where merchant_id = $1 and closed_by is null)::text as "openHolds",
         (select count(*) from (select 1 from entry where kind in ('capture', 'release')
            group by owner, hold_no having count(*) > 1) twice)::int as "closedTwice",
         (select count(*) from (select 1 from entry where undoes is not null
            group by undoes having count(*) > 1) twice)::int as "undoneTwice"`,
      [merchant],
    );
    return rows[0] ?? {};
  }

  test('keeps its invariants under any interleaving of its steps over several connections', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 10 }), { minLength: 4, maxLength: 4 }), async (lanes) => {
        const { merchant, payouts } = await newRound();
        const answers = await Promise.all(
          lanes.map(async (lane, index) => {
            const seen: string[] = [];
            for (const next of lane) seen.push(await run(clients[index]!, merchant, payouts, next));
            return seen;
          }),
        );
        expect(answers.flat().filter((answer) => !EXPECTED_REFUSALS.has(answer))).toEqual([]);
        const found = await inspect(merchant);
        expect(found).toEqual({
          sumOfAll: '0',
          overdrawn: 0,
          notByEntries: 0,
          held: found['openHolds'],
          openHolds: found['openHolds'],
          closedTwice: 0,
          undoneTwice: 0,
        });
      }),
      { numRuns: 40 },
    );
  });

  test('a sequence of steps that runs twice books what it books once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
        const balances = async (merchant: string): Promise<unknown> =>
          (
            await world.pool.query('select kind, balance from ledger_accounts where merchant_id = $1 order by kind', [
              merchant,
            ])
          ).rows;
        const once = await newRound();
        const twice = await newRound();
        for (const next of steps) {
          await run(clients[0]!, once.merchant, once.payouts, next);
          await run(clients[0]!, twice.merchant, twice.payouts, next);
          // A second `return` or `reverse` takes back what a further capture booked, which is not the same step again.
          if (next.kind !== 'return') await run(clients[1]!, twice.merchant, twice.payouts, next);
        }
        expect(await balances(twice.merchant)).toEqual(await balances(once.merchant));
      }),
      { numRuns: 30 },
    );
  });

  test('two payouts at once cannot overdraw', async () => {
    for (let again = 0; again < 5; again += 1) {
      const { merchant, payouts } = await newRound();
      const answers = await Promise.all(
        payouts.map((id, i) => refusal(clients[i]!.query('select open_hold($1)', [id]))),
      );
      const held = AMOUNTS.filter((_, index) => answers[index] === 'done').reduce((sum, amount) => sum + amount, 0n);
      expect(answers.filter((answer) => answer !== 'done')).toContain('CA402');
      expect(answers.every((answer) => answer === 'done' || answer === 'CA402')).toBe(true);
      expect(held).toBeLessThanOrEqual(700_000n);
      const { rows } = await world.pool.query<{ balance: bigint }>(
        "select balance from ledger_accounts where merchant_id = $1 and kind = 'available'",
        [merchant],
      );
      expect(rows).toEqual([{ balance: 700_000n - held }]);
    }
  });

  test('payouts that are held together are all held, each under an entry of its own, or none is', async () => {
    const { merchant, payouts } = await newRound();
    const held = async (): Promise<{ available: bigint; held: bigint; holds: number; entries: number }[]> =>
      (
        await world.pool.query<{ available: bigint; held: bigint; holds: number; entries: number }>(
          `select sum(balance) filter (where kind = 'available')::bigint as available,
             sum(balance) filter (where kind = 'held')::bigint as held,
             (select count(*) from holds where payout_id = any ($2))::int as holds,
             (select count(distinct (cause, payout_id, amount)) from ledger_entries
              where kind = 'hold' and payout_id = any ($2))::int as entries
           from ledger_accounts where merchant_id = $1`,
          [merchant, payouts],
        )
      ).rows;
    expect(await refusal(world.pool.query('select open_holds($1)', [payouts]))).toBe('CA402');
    expect(await held()).toEqual([{ available: 700_000n, held: 0n, holds: 0, entries: 0 }]);
    const fitting = payouts.slice(1);
    expect((await world.pool.query<{ open_holds: string }>('select open_holds($1)', [fitting])).rows).toEqual(
      fitting.map((id) => ({ open_holds: id })),
    );
    expect(await held()).toEqual([{ available: 0n, held: 700_000n, holds: 3, entries: 3 }]);
  });

  test('steps that book several entries do not wait for each other in a ring', async () => {
    for (let again = 0; again < 40; again += 1) {
      const { merchant, payouts } = await newRound();
      const [first, ...others] = payouts;
      // Suspense is the older account of the two that these steps meet in.
      await clients[0]!.query("select capture_hold($1, $1 || '/early')", [others[0]]);
      await clients[0]!.query('select open_hold($1)', [first]);
      for (const cause of ['held', 'beside']) {
        await clients[0]!.query('select capture_hold($1, $2)', [first, `${merchant}/${cause}`]);
      }
      const answers = await Promise.all([
        refusal(clients[0]!.query('select book_reversal($1)', [first])),
        ...others.map((id, index) => refusal(clients[index + 1]!.query('select capture_hold($1, $1)', [id]))),
      ]);
      expect(answers).toEqual(['done', 'done', 'done', 'done']);
    }
  });

  test.each([
    ['raising a balance', "update ledger_accounts set balance = balance + 1 where kind = 'available'"],
    ['turning one kind of account into another', "update ledger_accounts set kind = 'funding' where kind = 'suspense'"],
    [
      'an account that begins with a balance',
      "insert into ledger_accounts (merchant_id, environment, currency, kind, balance) select id, 'live', 'XOF', 'available', 5 from merchants limit 1",
    ],
    ['deleting an account', "delete from ledger_accounts where kind = 'suspense'"],
    ['changing an entry', 'update ledger_entries set amount = amount + 1'],
    ['deleting an entry', 'delete from ledger_entries'],
    ['deleting a hold', 'delete from holds'],
  ])('%s is refused', async (_, sql) => {
    const { id } = await standPayout(world, { state: 'succeeded' });
    await world.pool.query("select capture_hold($1, 'suspense/' || $1)", [id]);
    expect(await refusal(world.pool.query(sql))).toBe('CA001');
  });

  test('an entry between two merchants is refused', async () => {
    const { merchant } = await newRound();
    const account = (owner: string, kind: string): string =>
      `(select ledger_account('${owner}', 'sandbox', 'XOF', '${kind}'))`;
    const sql = `insert into ledger_entries (kind, from_account, to_account, amount, cause)
      values ('hold', ${account(world.merchantId, 'available')}, ${account(merchant, 'held')}, 1, 'stray')`;
    expect(await refusal(world.pool.query(sql))).toBe('CA001');
  });

  test('a capture without an open hold goes to suspense, once per cause', async () => {
    const { id } = await standPayout(world, { state: 'failed' });
    const before = await world.balances();
    const capture = async (cause: string): Promise<unknown> =>
      (await world.pool.query<{ how: string }>('select capture_hold($1, $2) as how', [id, `${id}/${cause}`])).rows[0]
        ?.how;
    expect(await capture('first')).toBe('suspense');
    expect(await capture('first')).toBe('suspense');
    const after = await world.balances();
    expect((after['suspense'] ?? 0n) - (before['suspense'] ?? 0n)).toBe(-1_000n);
    expect(after['paid']).toBe((before['paid'] ?? 0n) + 1_000n);
    expect(after['available']).toBe(before['available']);
    await capture('second');
    expect((await world.balances())['suspense']).toBe((before['suspense'] ?? 0n) - 2_000n);
  });

  test('a capture that runs twice for the same submission captures once, and for another goes to suspense', async () => {
    const { id } = await standPayout(world, { state: 'processing' });
    const before = await world.balances();
    const capture = async (cause: string): Promise<unknown> =>
      (await world.pool.query<{ how: string }>('select capture_hold($1, $2) as how', [id, `${id}/${cause}`])).rows[0]
        ?.how;
    expect([await capture('one'), await capture('one'), await capture('two')]).toEqual([
      'captured',
      'already_captured',
      'suspense',
    ]);
    expect((await world.balances())['paid']).toBe((before['paid'] ?? 0n) + 2_000n);
  });

  test('what was captured from suspense goes back to suspense, never to the float', async () => {
    const { id } = await standPayout(world, { state: 'failed' });
    const before = await world.balances();
    await world.pool.query('select capture_hold($1, $1)', [id]);
    expect((await world.pool.query('select book_reversal($1) as booked', [id])).rows).toEqual([{ booked: true }]);
    expect(await world.balances()).toEqual({ ...before, suspense: before['suspense'] ?? 0n });
    expect((await world.pool.query('select book_reversal($1) as booked', [id])).rows).toEqual([{ booked: false }]);
  });

  test('the same top-up request books once per merchant, and another amount under it is refused', async () => {
    const topUp = async (merchant: string, amount: number): Promise<unknown> =>
      (await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', $2, 'monday') as booked", [merchant, amount]))
        .rows;
    const { merchant } = await newRound();
    expect(await topUp(world.merchantId, 10)).toEqual([{ booked: true }]);
    expect(await topUp(world.merchantId, 10)).toEqual([{ booked: false }]);
    expect(await topUp(merchant, 10)).toEqual([{ booked: true }]);
    expect(await refusal(topUp(merchant, 11))).toBe('22023');
  });
});
