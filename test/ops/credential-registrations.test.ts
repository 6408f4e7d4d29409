import { newId } from '../../src/db/ids';
import { saveCredential } from '../../src/db/save-credential';
import { MockActivityEnvironment } from '@temporalio/testing';

import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

const FREE_ACCOUNT = '782000099';

let world: PayoutWorld;
let desk: OperatorsDesk;

beforeEach(async () => {
  world = await createPayoutWorld();
  desk = createOperatorsDesk(world);
  world.simulator.putAccount({ msisdn: FREE_ACCOUNT, code: '200099', type: 'retailer', pin: PIN, float: 1_000_000 });
});
afterEach(() => world.close());

async function addTenant(): Promise<string> {
  const merchantId = newId('mer');
  await world.pool.query('insert into merchants (id, name) values ($1, $1)', [merchantId]);
  return merchantId;
}

function register(merchantId: string, account: string, pin: string, rest = ''): Promise<Answer> {
  const words = `set --merchant ${merchantId} --environment sandbox --provider orange --operator orange_sn --account ${account}`;
  const input = JSON.stringify({ client_id: 'sandbox-client', client_secret: 'sandbox-secret', pin });
  return desk.run('credential', `${words} ${rest}`, { input });
}

/** Tries of a PIN that reached the provider. */
function tries(): { right: number; wrong: number } {
  const { pinsChecked, pinsWrong } = world.simulator.requests();
  return { right: pinsChecked - pinsWrong, wrong: pinsWrong };
}

/** One attempt of a payout. */
async function pay(payoutId: string): Promise<string> {
  await world.activities.authenticate({ payoutId, attempt: 1 });
  await world.activities.encryptPin({ payoutId, attempt: 1 });
  await new MockActivityEnvironment().run(() =>
    world.activities.submitPayout({ payoutId, attempt: 1, tokenVersion: 1 }),
  );
  const { state, reason } = await world.payout(payoutId);
  return `${state}:${reason}`;
}

test('an account that another merchant holds is registered without a call alone, with its consent recorded, and its gate stays', async () => {
  const other = await addTenant();
  for (const way of ['', '--unchecked', '--override because', '--unchecked --override because']) {
    expect((await register(other, ACCOUNT, '13579', way)).refused).toMatch(
      /another merchant's verified credential holds/,
    );
  }
  const { pinBearing, pinFree } = world.simulator.requests();
  expect(pinBearing + pinFree).toBe(0);

  const saved = await register(other, ACCOUNT, '13579', '--consent letter-of-the-holder');
  expect([saved.refused, saved.printed[0]]).toEqual([null, expect.stringContaining('no call was made')]);
  const { rows } = await world.pool.query('select merchant_id, kind, consent, person_id from credential_registrations');
  expect(rows).toEqual([
    { merchant_id: other, kind: 'consent', consent: 'letter-of-the-holder', person_id: 'per_one' },
  ]);

  // Its PIN is another than the one that the gate knows: none of its calls leaves, and the holder's go on.
  const { rows: found } = await world.pool.query<{ id: string }>('select id from credentials where merchant_id = $1', [
    other,
  ]);
  const by = { merchantId: other, credentialId: found[0]!.id };
  const tenant = { merchant: other, environment: 'sandbox', currency: 'XOF' };
  await world.pool.query('select top_up_float($1, $2, $3, 10000, $4)', [...Object.values(tenant), 'first']);
  expect(await pay(await world.accept({ by }))).toBe('queued:credential_blocked');
  expect(tries()).toEqual({ right: 0, wrong: 0 });
  expect(await pay(await world.accept())).toMatch(/^succeeded:/);

  // The holder stays the holder.
  expect((await register(world.merchantId, ACCOUNT, PIN)).refused).toBeNull();
});

test('consent is for an account that another merchant holds', async () => {
  const refused = (await register(await addTenant(), FREE_ACCOUNT, PIN, '--consent letter')).refused;
  expect(refused).toMatch(/no other merchant holds this account/);
});

test('over all merchants one refused secret of an account a day; the next needs an operator’s recorded reason', async () => {
  const [first, second] = [await addTenant(), await addTenant()];
  expect((await register(first, FREE_ACCOUNT, '11111')).refused).toMatch(/code 2011.*one of its PIN tries/);
  for (const way of ['', '--unchecked']) {
    expect((await register(second, FREE_ACCOUNT, '22222', way)).refused).toMatch(
      /refused, or its answer lost, within 24/,
    );
  }
  expect(tries()).toEqual({ right: 0, wrong: 1 });

  const overridden = await register(second, FREE_ACCOUNT, PIN, '--override seen-with-the-owner');
  expect(overridden.refused).toBeNull();
  expect(tries()).toEqual({ right: 1, wrong: 1 });
  const { rows } = await world.pool.query(
    'select merchant_id, verdict, override from credential_registrations order by registered_at',
  );
  expect(rows).toEqual([
    { merchant_id: first, verdict: 'wrong', override: null },
    { merchant_id: second, verdict: 'right', override: 'seen-with-the-owner' },
  ]);

  // Now it is held: the first merchant makes no more call, whatever its secret.
  expect((await register(first, FREE_ACCOUNT, PIN)).refused).toMatch(/another merchant's verified credential holds/);
});

test('a refused secret counts for a day, and one whose answer was lost counts too', async () => {
  const merchant = await addTenant();
  world.simulator.configure({ endpointFaults: { balance: { lost: 1 } } });
  expect((await register(merchant, FREE_ACCOUNT, PIN)).refused).toContain('nothing was saved');
  world.simulator.configure({ endpointFaults: {} });
  expect((await register(merchant, FREE_ACCOUNT, PIN)).refused).toMatch(/within 24 hours/);
  await world.pool.query("update credential_registrations set verdict_at = verdict_at - interval '25 hours'");
  expect((await register(merchant, FREE_ACCOUNT, PIN)).refused).toBeNull();
});

test('a secret that was registered without a call and refused to its first payout counts as well', async () => {
  const [first, second] = [await addTenant(), await addTenant()];
  expect((await register(first, FREE_ACCOUNT, '11111', '--unchecked')).refused).toBeNull();
  const { rows } = await world.pool.query<{ id: string }>('select id from credentials where merchant_id = $1', [first]);
  await world.pool.query(`select top_up_float($1, 'sandbox', 'XOF', 10000, 'first')`, [first]);
  const by = { merchantId: first, credentialId: rows[0]!.id };
  expect(await pay(await world.accept({ by }))).toBe('queued:credential_blocked');
  expect((await register(second, FREE_ACCOUNT, PIN)).refused).toMatch(/within 24 hours/);
});

test('of two registrations of an account at once exactly one makes a call', async () => {
  const merchants = [await addTenant(), await addTenant(), await addTenant()];
  const answers = await Promise.all(merchants.map((id, index) => register(id, FREE_ACCOUNT, `1111${index}`)));
  expect(tries()).toEqual({ right: 0, wrong: 1 });
  expect(answers.filter(({ refused }) => refused?.includes('code 2011'))).toHaveLength(1);
  expect(answers.filter(({ refused }) => /being checked now|within 24 hours/.test(refused ?? ''))).toHaveLength(2);
});

test('no credential takes the account of another merchant’s verified one, whoever saves it', async () => {
  const merchantId = await addTenant();
  const { vault } = world;
  await expect(
    saveCredential(world.pool, {
      ...{ id: newId('cred'), merchantId, environment: 'sandbox', provider: 'orange', operator: 'orange_sn' },
      ...{ role: 'primary', accountNumber: ACCOUNT, idType: 'MSISDN', gate: 'open', personId: 'per_one' },
      secretEnc: Buffer.from(''),
      pinEnc: Buffer.from(''),
      pinFingerprint: vault.fingerprintPin('orange', ACCOUNT, '1'),
    }),
  ).rejects.toThrow(/another merchant's verified credential holds/);
});
