import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk, operatorEvents } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

const SECRET = 'sandbox-secret';
const NEW_PIN = '97531';

/** Longer than a time of day, which the provider's transaction ids carry as four digits. */
const WRONG_PIN = '13579';

let world: PayoutWorld;
let desk: OperatorsDesk;

/** What was saved, and what operators had done, before the test. */
let versionBefore: number;
let eventsBefore: number;

beforeAll(async () => {
  world = await createPayoutWorld();
});
afterAll(() => world.close());

/** The credential as it is saved first, and a provider that has seen nothing yet. */
async function open({
  pin = PIN,
  gate: state = 'open',
}: { pin?: string; gate?: 'open' | 'unproven' } = {}): Promise<void> {
  world.simulator.reset();
  world.simulator.configure({ rateLimitPerMinute: null });
  await world.pool.query('delete from pin_refusals');
  await world.pool.query('delete from pin_changes');
  await world.pool.query('delete from credential_registrations');
  await world.saveCredential(pin, state);
  versionBefore = (await savedPin()).version;
  const { rows } = await world.pool.query<{ events: number }>('select count(*)::int as events from operator_events');
  eventsBefore = rows[0]!.events;
  desk = createOperatorsDesk(world);
}

afterEach(() => {
  for (const secret of [PIN, NEW_PIN, WRONG_PIN, SECRET, 'wrong-secret']) {
    expect(desk.saidSoFar()).not.toMatch(new RegExp(`\\b${secret}\\b`));
  }
});

function provider(action: string, input = ''): Promise<Answer> {
  const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
  return desk.run('provider', `${action} ${where}`, { input });
}

function setCredential(secrets: Record<string, unknown> | string, rest = ''): Promise<Answer> {
  const words = `set --merchant ${world.merchantId} --environment sandbox --provider orange --operator orange_sn --account 781234567`;
  const input = typeof secrets === 'string' ? secrets : JSON.stringify(secrets);
  return desk.run('credential', `${words} ${rest}`, { input });
}

function secretsWith(pin: string, client_secret = SECRET): Record<string, unknown> {
  return { client_id: 'sandbox-client', client_secret, pin };
}

/** Tries of a PIN that reached the provider, right and wrong. */
function tries(): { right: number; wrong: number } {
  const { pinsChecked, pinsWrong } = world.simulator.requests();
  return { right: pinsChecked - pinsWrong, wrong: pinsWrong };
}

/** Requests of any kind that reached the provider. */
function requests(): number {
  const { pinBearing, pinFree } = world.simulator.requests();
  return pinBearing + pinFree;
}

async function gate(): Promise<unknown> {
  const { rows } = await world.pool.query<{ state: string; fingerprint: Buffer }>(
    'select state, pin_fingerprint as fingerprint from pin_gates',
  );
  const pins = [PIN, NEW_PIN, WRONG_PIN];
  return rows.map(({ state, fingerprint }) => {
    const pin = pins.find((one) => world.vault.fingerprintPin('orange', '781234567', one).equals(fingerprint));
    return `${state} ${pin === undefined ? '?' : ['old', 'new', 'wrong'][pins.indexOf(pin)]}`;
  });
}

async function savedPin(): Promise<{ pin: string; version: number }> {
  const { rows } = await world.pool.query<{ pin_enc: Buffer; pin_version: number }>(
    'select pin_enc, pin_version from credentials where id = $1',
    [world.credentialId],
  );
  return { pin: await world.vault.open(world.merchantId, 'pin', rows[0]!.pin_enc), version: rows[0]!.pin_version };
}

async function eventsSince(action: string): Promise<readonly unknown[]> {
  return await operatorEvents(world, action, eventsBefore);
}

async function changesWritten(): Promise<readonly unknown[]> {
  return (
    await world.pool.query<{ outcome: string }>('select outcome from pin_changes order by requested_at')
  ).rows.map(({ outcome }) => outcome);
}

describe('credential set', () => {
  test('saves what one call has passed with, and wakes what waited for it', async () => {
    await open({ pin: WRONG_PIN, gate: 'unproven' });
    const id = await world.accept();
    await world.pool.query(
      "update payouts set reason = 'credential_blocked', retry_at = now() + interval '1 hour' where id = $1",
      [id],
    );
    const { printed, refused } = await setCredential(secretsWith(PIN));
    expect(refused).toBeNull();
    expect(printed).toEqual([
      'checked: the provider answered with a balance of 100000000 XOF',
      `saved: ${world.credentialId} (primary); 1 waiting payout(s) are due now`,
    ]);
    await world.pool.query("update payouts set reason = 'accepted_by_api' where id = $1", [id]);
    expect(tries()).toEqual({ right: 1, wrong: 0 });
    expect(await gate()).toEqual(['open old']);
    expect(await savedPin()).toEqual({ pin: PIN, version: versionBefore + 1 });
    expect(await eventsSince('credential_set')).toMatchObject([{ target: world.credentialId }]);
  });

  test('with a wrong PIN saves nothing, counts as a try, and is not tried again', async () => {
    await open();
    expect((await setCredential(secretsWith(WRONG_PIN))).refused).toMatch(
      /code 2011.*nothing was saved.*one of its PIN tries/,
    );
    expect(tries()).toEqual({ right: 0, wrong: 1 });
    expect((await setCredential(secretsWith(WRONG_PIN))).refused).toMatch(/was refused for this account before/);
    expect(tries()).toEqual({ right: 0, wrong: 1 });
    expect(await gate()).toEqual(['open old']);
    expect(await savedPin()).toEqual({ pin: PIN, version: versionBefore });
    expect(await eventsSince('credential_set')).toEqual([]);
  });

  test('with the saved PIN, wrong by now, closes the gate for every call', async () => {
    await open();
    world.simulator.putAccount({ msisdn: '781234567', pin: '8642' });
    expect((await setCredential(secretsWith(PIN))).refused).toMatch(/code 2011/);
    expect(await gate()).toEqual(['blocked old']);
  });

  test('with a wrong client secret saves nothing and tries no PIN', async () => {
    await open();
    expect((await setCredential(secretsWith(PIN, 'wrong-secret'))).refused).toMatch(/\(token.*nothing was saved/);
    expect(tries()).toEqual({ right: 0, wrong: 0 });
    expect(await savedPin()).toEqual({ pin: PIN, version: versionBefore });
  });

  test('--unchecked calls nobody; the PIN must then pass one call alone', async () => {
    await open();
    const { printed } = await setCredential(secretsWith(WRONG_PIN), '--unchecked');
    expect(printed).toEqual([`saved: ${world.credentialId} (primary); 0 waiting payout(s) are due now`]);
    expect(requests()).toBe(0);
    expect(await gate()).toEqual(['unproven wrong']);
  });

  test('a PIN that was refused and is right by now can be saved unchecked, and is then good again', async () => {
    await open();
    await setCredential(secretsWith(NEW_PIN));
    world.simulator.putAccount({ msisdn: '781234567', pin: NEW_PIN });
    await setCredential(secretsWith(NEW_PIN), '--unchecked --override unblocked-at-the-provider');
    expect((await provider('balance')).printed).toEqual(['balance at orange: 100000000 XOF']);
    expect(await gate()).toEqual(['open new']);
    expect((await setCredential(secretsWith(NEW_PIN))).refused).toBeNull();
  });

  test('says what is wrong with its input, and calls nobody', async () => {
    await open();
    for (const [input, why] of [
      ['no json', 'must be JSON'],
      ['{"client_id":"a"}', 'client_secret'],
      [JSON.stringify(secretsWith('')), 'pin'],
    ] as const) {
      expect((await setCredential(input)).refused).toContain(why);
    }
    expect((await setCredential(secretsWith(PIN), '--role third')).refused).toContain('--role must be one of');
    expect((await desk.run('credential', 'get', { input: '{}' })).refused).toContain('only `credential set`');
    const nobody =
      'set --merchant mer_none --environment sandbox --provider orange --operator orange_sn --account 781234567';
    expect((await desk.run('credential', nobody, { input: JSON.stringify(secretsWith(PIN)) })).refused).toBe(
      'there is no merchant mer_none',
    );
    expect(requests()).toBe(0);
  });
});

describe('provider', () => {
  test('balance, transactions and sandbox-numbers say what the provider says, without a PIN', async () => {
    await open();
    expect((await provider('balance')).printed).toEqual(['balance at orange: 100000000 XOF']);
    const { sandbox: orange } = world.providers.orange;
    const account = {
      clientId: 'sandbox-client',
      clientSecret: SECRET,
      accountNumber: ACCOUNT,
      idType: 'MSISDN',
    } as const;
    const token = (await orange.authenticate(account)).value;
    const encryptedPin = orange.account.encryptPin(PIN, await orange.account.fetchEncryptionKey(account, token));
    const recipient = world.recipientOf('success');
    const order = { reference: 'sub_ours', amount: 1_000n, currency: 'XOF', recipient, account, token, encryptedPin };
    const paid = await orange.submit(order, () => Promise.resolve('go'), new Date(Date.now() + 30_000));
    if (paid.outcome !== 'settled') throw new Error(paid.outcome);
    expect((await provider('transactions --reference sub_ours')).printed).toEqual([
      '1 transaction(s)',
      `${paid.providerReference}  success  1000 XOF  sub_ours`,
    ]);
    const numbers = await provider('sandbox-numbers');
    expect(numbers.printed).toContain('781234567  RETAILER');
    expect(numbers.printed).toHaveLength(2);
  });

  test('balance goes through the gate: a wrong PIN closes it, and is not tried again', async () => {
    await open();
    world.simulator.putAccount({ msisdn: '781234567', pin: '8642' });
    expect((await provider('balance')).refused).toMatch(/\(pin, code 2011\).*no call leaves with this PIN/);
    expect(await gate()).toEqual(['blocked old']);
    expect((await provider('balance')).refused).toMatch(/gate of this PIN is closed/);
    expect(tries()).toEqual({ right: 0, wrong: 1 });
  });

  test('balance proves a new PIN, and waits while another call proves it', async () => {
    await open({ gate: 'unproven' });
    await world.pool.query("update pin_gates set probe = 'another', probe_until = now() + interval '1 minute'");
    expect((await provider('balance')).refused).toContain('another call is proving this PIN');
    await world.pool.query('update pin_gates set probe = null, probe_until = null');
    expect((await provider('balance')).refused).toBeNull();
    expect(await gate()).toEqual(['open old']);
  });

  test('balance: an answer that is lost twice leaves a new PIN to people', async () => {
    await open({ gate: 'unproven' });
    world.simulator.configure({ endpointFaults: { balance: { lost_after: 1 } } });
    expect((await provider('balance')).refused).toContain('did not answer');
    expect(await gate()).toEqual(['unproven old']);
    expect((await provider('balance')).refused).toContain('did not answer');
    expect(await gate()).toEqual(['blocked old']);
  });

  test('says what it does not know', async () => {
    await open();
    expect((await provider('riches')).refused).toContain('none of: balance');
    const other = `balance --merchant ${world.merchantId} --environment live --operator orange_sn`;
    expect((await desk.run('provider', other)).refused).toContain('no credential');
  });
});

describe('provider change-pin', () => {
  test('changes the PIN at the provider and here; it passes one call alone', async () => {
    await open();
    expect(await provider('change-pin', `${NEW_PIN}\n`)).toEqual({
      refused: null,
      printed: [expect.stringContaining('changed: the new PIN is saved')],
    });
    expect(await savedPin()).toEqual({ pin: NEW_PIN, version: versionBefore + 1 });
    expect(await gate()).toEqual(['unproven new']);
    expect((await provider('balance')).refused).toBeNull();
    expect(await gate()).toEqual(['open new']);
    expect(await eventsSince('change_pin')).toEqual([
      { person_id: 'per_one', target: world.credentialId, detail: { outcome: 'changed', code: null } },
    ]);
  });

  test('a lost answer to a change that was made is found by one probe with the new PIN', async () => {
    await open();
    world.simulator.configure({ endpointFaults: { changePin: { lost_after: 1 } } });
    expect((await provider('change-pin', NEW_PIN)).printed).toEqual([expect.stringContaining('changed:')]);
    expect(tries()).toEqual({ right: 2, wrong: 0 });
    expect(await savedPin()).toEqual({ pin: NEW_PIN, version: versionBefore + 1 });
    expect(await changesWritten()).toEqual(['changed']);
  });

  test('a lost change that was not made is for people: one probe, then no call with either PIN', async () => {
    await open();
    world.simulator.configure({ endpointFaults: { changePin: { lost: 1 } } });
    const { printed, refused } = await provider('change-pin', NEW_PIN);
    expect(printed).toEqual([expect.stringContaining('unknown: the answer was lost')]);
    expect(refused).toContain('the PIN was not changed');
    expect(tries()).toEqual({ right: 0, wrong: 1 });
    expect(await gate()).toEqual(['pin_unknown old']);
    expect(await savedPin()).toEqual({ pin: PIN, version: versionBefore });
    expect(await changesWritten()).toEqual(['unknown']);

    expect((await provider('balance')).refused).toContain('gate of this PIN is closed');
    expect((await provider('change-pin', NEW_PIN)).refused).toContain('gate of the present PIN is closed');
    expect((await setCredential(secretsWith(NEW_PIN))).refused).toContain('was refused for this account before');
    expect(tries()).toEqual({ right: 0, wrong: 1 });

    expect((await setCredential(secretsWith(PIN))).refused).toBeNull();
    expect(await gate()).toEqual(['open old']);
  });

  test('a probe whose answer is lost too leaves it unknown', async () => {
    await open();
    world.simulator.configure({ endpointFaults: { changePin: { lost_after: 1 }, balance: { lost: 1 } } });
    expect((await provider('change-pin', NEW_PIN)).printed).toEqual([expect.stringContaining('unknown:')]);
    expect(await gate()).toEqual(['pin_unknown old']);
    world.simulator.configure({ endpointFaults: {} });
    expect((await setCredential(secretsWith(NEW_PIN))).refused).toBeNull();
    expect(await gate()).toEqual(['open new']);
  });

  test('a change that was refused before it was looked at leaves the old PIN in force', async () => {
    for (const fault of ['throttled', 'unauthorized'] as const) {
      await open();
      world.simulator.configure({ endpointFaults: { changePin: { [fault]: 1 } } });
      const { printed, refused } = await provider('change-pin', NEW_PIN);
      expect([printed, refused]).toEqual([
        [expect.stringContaining('refused: the old PIN is still in force')],
        expect.stringContaining('was not changed'),
      ]);
      expect(await gate()).toEqual(['unproven old']);
      expect((await provider('balance')).refused).toBeNull();
      expect(await changesWritten()).toEqual(['refused']);
    }
  });

  test('the old PIN refused closes the gate, and is not tried again', async () => {
    await open();
    world.simulator.putAccount({ msisdn: '781234567', pin: '8642' });
    expect((await provider('change-pin', NEW_PIN)).printed).toEqual([expect.stringContaining('refused the old PIN')]);
    expect(await changesWritten()).toEqual(['wrong_pin']);
    expect((await provider('change-pin', NEW_PIN)).refused).toContain('is closed');
    expect((await setCredential(secretsWith(PIN))).refused).toContain('was refused for this account before');
    expect(tries()).toEqual({ right: 0, wrong: 1 });
  });

  test('wants a new PIN on standard input', async () => {
    await open();
    expect((await provider('change-pin', '\n')).refused).toContain('it is empty');
    expect(await changesWritten()).toEqual([]);
  });
});
