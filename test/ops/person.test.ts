import { createApiKey, findPrincipal } from '../../src/db/api-keys';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { addOperators, addVerifiedOperators } from '../helpers/persons';
import { standPayout } from '../helpers/standing-payout';
import { createOperatorsDesk } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

describe('the operator and persons', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;
  beforeAll(async () => {
    world = await createPayoutWorld();
    desk = createOperatorsDesk(world);
    await addVerifiedOperators(world.pool, 'per_three');
  });
  afterAll(() => world.close());

  const person = (words: string, as = 'per_one'): Promise<Answer> => desk.run('person', words, { as });

  async function add(as = 'per_one'): Promise<string> {
    const { printed } = await person('add --name Awa', as);
    return /^added: (per_\w+), not verified yet$/.exec(printed[0]!)![1]!;
  }

  test('adds a person, whom a second operator verifies with the same document', async () => {
    const id = await add();
    const verify = (as: string): Promise<Answer> => person(`verify ${id} --document P123`, as);
    const recorded = `recorded: another operator verifies ${id} with the same command`;
    expect((await verify('per_one')).printed).toEqual([recorded]);
    expect((await verify('per_one')).printed).toEqual([recorded]);
    expect((await verify('per_two')).printed).toEqual([`verified: ${id} may vote`]);
  });

  test('merges two rows of one human by two operators', async () => {
    const [id, into] = [await add(), await add()];
    expect((await person(`merge ${id} --into ${into}`)).printed[0]).toContain('proposed: another operator merges');
    expect((await person(`merge ${id} --into ${into}`, 'per_two')).printed).toEqual([
      `merged: ${id} counts as ${into}, with all keys`,
    ]);
  });

  test('issues keys: of an operator, of a merchant’s person, of a system for which the person is responsible', async () => {
    const id = await add();
    const merchant = `--merchant ${world.merchantId} --environment sandbox`;
    const issue = async (words: string): Promise<unknown> => {
      const { printed } = await person(`key ${id} ${words}`);
      return await findPrincipal(world.pool, printed[0]!.split(' ').at(-1)!);
    };
    const own = { kind: 'person', personId: id };
    expect(await issue('')).toMatchObject({ role: 'operator', subject: own });
    expect(await issue(merchant)).toMatchObject({ role: 'merchant', merchantId: world.merchantId, subject: own });
    const system = { subject: { kind: 'system', systemId: 'shop' }, keyId: expect.any(String) as string };
    const issued = (await issue(`${merchant} --system shop`)) as { keyId: string };
    expect(issued).toMatchObject(system);
    const { rows } = await world.pool.query('select responsible_person_id as id from api_keys where id = $1', [
      issued.keyId,
    ]);
    expect(rows).toEqual([{ id }]);
    expect((await person(`key ${id} --system shop`)).refused).toContain('--system needs --merchant');
  });

  test('is refused where the person who acts is not verified, or is about oneself', async () => {
    await addOperators(world.pool, 'per_new');
    expect((await person('add --name Binta', 'per_new')).refused).toContain('per_new is not verified');
    expect((await person('verify per_one --document P1')).refused).toContain('nobody verifies oneself');
    expect((await person('verify per_nobody --document P1')).refused).toBe('there is no person per_nobody');
    expect((await person('rename per_one')).refused).toContain('rename is none of');
  });

  describe('who also belongs to the merchant’s side', () => {
    beforeAll(async () => {
      const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
      const subject = { kind: 'person', personId: 'per_three' } as const;
      await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
    });

    test('neither tops up, nor returns, nor lifts the threshold', async () => {
      const payout = await standPayout(world, { state: 'succeeded', outcomes: ['settled'] });
      const merchant = `--merchant ${world.merchantId}`;
      const before = await world.balances();
      for (const [command, words] of [
        ['top-up', `${merchant} --environment sandbox --currency XOF --amount 500`],
        ['return', payout.id],
        ['merchant', `approval ${merchant} --lines never --total never`],
      ] as const) {
        const { refused } = await desk.run(command, words, { as: 'per_three' });
        expect([command, refused]).toEqual([command, expect.stringContaining('belongs to merchant')]);
      }
      expect(await world.balances()).toEqual(before);
      expect((await world.payout(payout.id)).state).toBe('succeeded');
      expect((await desk.run('return', payout.id)).refused).toBeNull();
    });

    test('nor through a key of a system that the person is responsible for, nor after it was revoked', async () => {
      await addVerifiedOperators(world.pool, 'per_four');
      const tenant = { merchantId: world.merchantId, environment: 'live' } as const;
      const subject = { kind: 'system', systemId: 'erp', responsiblePersonId: 'per_four' } as const;
      const { id } = await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
      await world.pool.query('update api_keys set revoked_at = now() where id = $1', [id]);
      const words = `--merchant ${world.merchantId} --environment sandbox --currency XOF --amount 500`;
      expect((await desk.run('top-up', words, { as: 'per_four' })).refused).toContain('belongs to merchant');
    });
  });
});
