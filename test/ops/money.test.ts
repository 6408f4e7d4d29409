import { pino } from 'pino';

import { createApiKey, findPrincipal } from '../../src/db/api-keys';
import { openReviewItem } from '../../src/db/review-items';
import { authenticateOperator } from '../../src/ops/authenticate-operator';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';
import { budgetOf, createOperatorsDesk, operatorEvents } from './operators-desk';
import type { OperatorsDesk } from './operators-desk';

describe('the operator', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;
  const logged: string[] = [];

  beforeAll(async () => {
    world = await createPayoutWorld();
    const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
    desk = createOperatorsDesk(world, budgetOf(world), logger);
  });
  afterAll(() => world.close());

  describe('tops up', () => {
    const topUp = (rest: string): ReturnType<OperatorsDesk['run']> =>
      desk.run('top-up', `--merchant ${world.merchantId} --environment sandbox --currency XOF ${rest}`);

    test('once per request, and an event names the person', async () => {
      const before = (await world.balances())['available']!;
      expect(await topUp('--amount 2500 --request monday')).toEqual({
        refused: null,
        printed: [`topped up: 2500 XOF for ${world.merchantId} (sandbox), request monday`],
      });
      expect((await topUp('--amount 2500 --request monday')).printed).toEqual([
        'nothing done: request monday was booked before',
      ]);
      expect((await world.balances())['available']).toBe(before + 2_500n);
      const events = (await operatorEvents(world, 'top_up')).filter(({ detail }) => detail['request'] === 'monday');
      expect(events).toEqual([
        {
          person_id: 'per_one',
          target: `${world.merchantId}/sandbox/XOF`,
          detail: { amount: '2500', request: 'monday' },
        },
      ]);
    });

    test('with another amount under the same request only once', async () => {
      await topUp('--amount 10 --request tuesday');
      await expect(topUp('--amount 11 --request tuesday')).rejects.toThrow(
        'request tuesday was booked before with the amount 10',
      );
    });

    test.each([
      ['--amount 1.5', 'not an integer'],
      ['--amount 0', 'not positive'],
      ['', '--amount is missing'],
    ])('not with %s', async (rest, why) => {
      expect((await topUp(rest)).refused).toContain(why);
    });

    test('nobody who does not exist', async () => {
      const { refused } = await desk.run(
        'top-up',
        '--merchant mer_none --environment sandbox --currency XOF --amount 5',
      );
      expect(refused).toBe('there is no merchant mer_none');
    });
  });

  test('returns a succeeded payout once', async () => {
    const { id } = await standPayout(world, { state: 'succeeded', outcomes: ['settled'] });
    const before = await world.balances();
    const said = { refused: null, printed: [`returned: ${id}, 1000 XOF are available again`] };
    expect(await desk.run('return', id)).toEqual(said);
    expect(await desk.run('return', id)).toEqual(said);
    const after = await world.balances();
    expect(after).toEqual({ ...before, available: before['available']! + 1_000n, paid: before['paid']! - 1_000n });
    expect((await world.payout(id)).state).toBe('returned');
  });

  test('returns nothing that is not paid', async () => {
    const { id } = await standPayout(world, { state: 'pending', outcomes: ['accepted'] });
    await expect(desk.run('return', id)).rejects.toThrow('pending may not go to returned');
  });

  describe('stops and resumes', () => {
    test.each(['merchant', 'provider', 'payout'] as const)('a %s, once, with an event', async (scope) => {
      const id = await world.accept();
      const target = { merchant: world.merchantId, provider: 'orange', payout: id }[scope];
      expect((await desk.run('stop', `${scope} ${target} --reason fraud`)).printed).toEqual([
        `stopped: ${scope} ${target}`,
      ]);
      expect((await desk.run('stop', `${scope} ${target} --reason again`)).printed).toEqual([
        `nothing done: ${scope} ${target} is stopped already`,
      ]);
      await world.pool.query("update payouts set reason = 'stopped_by_operations' where id = $1", [id]);
      expect((await desk.run('resume', `${scope} ${target}`)).printed).toEqual([
        `resumed: ${scope} ${target}; 1 payout(s) are due now`,
      ]);
      expect((await desk.run('resume', `${scope} ${target}`)).printed).toEqual([
        `nothing done: ${scope} ${target} is not stopped`,
      ]);
      await world.pool.query("update payouts set reason = 'accepted_by_api' where id = $1", [id]);
      const events = await operatorEvents(world, 'stop');
      expect(events.filter((event) => event.target === `${scope}/${target}`)).toEqual([
        { person_id: 'per_one', target: `${scope}/${target}`, detail: { reason: 'fraud' } },
      ]);
      expect(
        (await operatorEvents(world, 'resume')).filter((event) => event.target === `${scope}/${target}`),
      ).toHaveLength(1);
    });

    test.each([
      ['merchant mer_typo --reason x', 'there is no merchant mer_typo'],
      ['provider ornage --reason x', 'there is no provider ornage'],
      ['payout po_typo --reason x', 'there is no payout po_typo'],
      ['bank x --reason x', 'bank is none of: merchant, provider, payout'],
      ['provider orange', '--reason is missing'],
    ])('not %s', async (words, why) => {
      expect((await desk.run('stop', words)).refused).toContain(why);
      expect((await world.pool.query('select 1 from stops where resumed_at is null')).rowCount).toBe(0);
    });
  });

  describe('resolves', () => {
    test('a payout in review with another operator, and reviews shows what is open', async () => {
      const { id } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
      await openReviewItem(world.pool, { payoutId: id, kind: 'settlement_window_over', detail: 'nobody knows' });
      const before = (await desk.run('reviews', '')).printed.find((line) => line.includes(id));
      expect(before).toMatch(
        new RegExp(`settlement_window_over +nobody knows .* ${world.merchantId} .* in_review +1000 +XOF`),
      );

      const proposed = await desk.run('resolve', `propose ${id} --as paid --evidence seen --provider-reference MP1`);
      const decisionId = /proposed: (dec_\w+)\./.exec(proposed.printed[0]!)![1]!;
      expect((await desk.run('reviews', '')).printed.find((line) => line.includes(id))).toMatch(
        new RegExp(`${decisionId} +paid +per_one$`),
      );
      expect((await desk.run('resolve', `confirm ${decisionId}`)).refused).toContain('two persons decide');
      expect((await desk.run('resolve', `confirm ${decisionId}`, { as: 'per_two' })).printed).toEqual([
        expect.stringContaining(`confirmed: ${id} is succeeded`),
      ]);
      expect((await desk.run('reviews', '')).printed.find((line) => line.includes(id))).toBeUndefined();
      const { rows } = await world.pool.query<{ evidence_enc: Buffer }>(
        'select evidence_enc from decisions where id = $1',
        [decisionId],
      );
      expect(await world.vault.open(world.merchantId, 'evidence', rows[0]!.evidence_enc)).toBe('seen');
    });

    test('with a withdrawal in between', async () => {
      const { id } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
      const { printed } = await desk.run('resolve', `propose ${id} --as paid --evidence seen`);
      const decisionId = /dec_\w+/.exec(printed[0]!)![0];
      const withdrawn = await desk.run('resolve', `withdraw ${decisionId}`, { as: 'per_two' });
      expect(withdrawn.printed).toEqual([`withdrawn: ${decisionId}`]);
      const { rows } = await world.pool.query('select withdrawn_by from decisions where id = $1', [decisionId]);
      expect(rows).toEqual([{ withdrawn_by: 'per_two' }]);
      expect((await desk.run('resolve', `confirm ${decisionId}`, { as: 'per_two' })).refused).toContain(
        'no such open decision',
      );
    });

    test('nothing that PostgreSQL refuses: that alarms and is one more question, and nothing changes', async () => {
      const { id } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
      await world.pool.query("select capture_hold($1, 'by-sql')", [id]);
      const { printed } = await desk.run('resolve', `propose ${id} --as not_paid --evidence seen`);
      const decisionId = /dec_\w+/.exec(printed[0]!)![0];
      const { refused } = await desk.run('resolve', `confirm ${decisionId}`, { as: 'per_two' });
      expect(refused).toContain('PostgreSQL refused it, and nothing was changed');
      expect(await world.payout(id)).toMatchObject({ state: 'in_review' });
      expect(await world.submissions(id)).toMatchObject([{ outcome: 'unknown' }]);
      expect((await desk.run('reviews', '')).printed.find((line) => line.includes(id))).toContain('undo_refused');
      expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { level: 50, payoutId: id, refusal: 'hold_closed' },
      ]);
      expect((await desk.run('resolve', `confirm ${decisionId}`, { as: 'per_two' })).refused).toContain(
        'has changed since',
      );
    });

    test.each([
      ['propose po_none --as paid --evidence x', 'there is no payout po_none'],
      ['perhaps', 'none of: propose, confirm, withdraw'],
      ['confirm dec_none', 'no such open decision'],
    ])('not %s', async (words, why) => {
      expect((await desk.run('resolve', words)).refused).toContain(why);
    });

    test('only with evidence and one of the resolutions', async () => {
      const { id } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
      expect((await desk.run('resolve', `propose ${id} --as paid`)).refused).toBe('--evidence is missing');
      expect((await desk.run('resolve', `propose ${id} --as maybe --evidence x`)).refused).toContain(
        '--as must be one of',
      );
      expect((await desk.run('resolve', `propose ${id} --as cancel --evidence x`)).refused).toContain(
        'may have moved money',
      );
    });
  });

  describe('is known by a key', () => {
    test('that names a person; a revoked one, a merchant’s and none are refused', async () => {
      const operator = await createApiKey(world.pool, {
        role: 'operator',
        subject: { kind: 'person', personId: 'per_two' },
      });
      expect(await authenticateOperator(world.pool, operator.key)).toEqual({ personId: 'per_two', keyId: operator.id });
      const merchant = await createApiKey(world.pool, {
        role: 'merchant',
        merchantId: world.merchantId,
        environment: 'sandbox',
        subject: { kind: 'person', personId: 'per_shop' },
      });
      for (const key of [merchant.key, `${operator.key.slice(0, -1)}_`, 'cauri_op', '', undefined]) {
        await expect(authenticateOperator(world.pool, key)).rejects.toMatchObject({ name: 'CommandError' });
      }
      await world.pool.query('update api_keys set revoked_at = now() where id = $1', [operator.id]);
      await expect(authenticateOperator(world.pool, operator.key)).rejects.toThrow('revoked');
    });
  });

  test('revokes a key by its prefix, once', async () => {
    const { key } = await createApiKey(world.pool, {
      role: 'operator',
      subject: { kind: 'person', personId: 'per_two' },
    });
    const prefix = key.split('_')[2]!;
    expect((await desk.run('key', `revoke ${prefix}`)).printed).toEqual([expect.stringContaining(`the key ${prefix}`)]);
    expect(await findPrincipal(world.pool, key)).toBeNull();
    expect((await desk.run('key', `revoke ${prefix}`)).refused).toContain('no key in use');
  });
});
