import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';
import { periodOptions } from '../helpers/statements';
import { createOperatorsDesk } from './operators-desk';
import type { Answer, OperatorsDesk } from './operators-desk';

const WRONG_PIN = '13579';
const SIGNING_SECRET = 'signing-secret';

/** What commands that move nothing of ours leave behind: who did it, of what, and how it went. */
describe('an operator’s command that asks or tells a provider', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;
  let directory: string;
  beforeAll(async () => {
    world = await createPayoutWorld();
    desk = createOperatorsDesk(world);
    directory = mkdtempSync(join(tmpdir(), 'cauri-events-'));
  });
  afterAll(async () => {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  });

  function provider(action: string, rest = '', input = ''): Promise<Answer> {
    const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
    return desk.run('provider', `${action} ${where} ${rest}`, { as: 'per_two', input });
  }

  function setCredential(pin: string): Promise<Answer> {
    const words = `set --merchant ${world.merchantId} --environment sandbox --provider orange --operator orange_sn --account ${ACCOUNT}`;
    const input = JSON.stringify({ client_id: 'sandbox-client', client_secret: 'sandbox-secret', pin });
    return desk.run('credential', words, { as: 'per_two', input });
  }

  async function importStatement(): Promise<Answer> {
    const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown'] });
    const { recipient } = await world.payout(id);
    const file = join(directory, 'statement.csv');
    writeFileSync(
      file,
      'reference,transaction_id,amount,currency,recipient,status,time\n' +
        `${submissions[0]},MP1,1000,XOF,${recipient.msisdn},success,${new Date().toISOString()}\n`,
    );
    return await desk.run('statement', `import ${file} --provider orange --account ${ACCOUNT} ${periodOptions()}`, {
      as: 'per_two',
    });
  }

  const eventsOfIt = async (): Promise<readonly Record<string, unknown>[]> =>
    (
      await world.pool.query<Record<string, unknown>>(
        `select action, target, detail from operator_events where person_id = 'per_two' order by id`,
      )
    ).rows;

  test('leaves an event with its person, answered or refused, without a secret, a PIN or a number', async () => {
    const register = ['register-callback', '--code 123456 --url https://payouts.example', SIGNING_SECRET] as const;
    for (const answer of [
      await provider('balance'),
      await provider('transactions', '--reference none'),
      await provider('sandbox-numbers'),
      await provider(...register),
      await importStatement(),
    ]) {
      expect(answer.refused).toBeNull();
      expect(answer.printed).not.toEqual([]);
    }
    for (const refused of [await setCredential(WRONG_PIN), await setCredential(WRONG_PIN)]) {
      expect(refused.refused).toContain('refused');
    }
    world.simulator.configure({ endpointFaults: { search: { error_500: 1 } } });
    expect((await provider('transactions')).refused).toContain('did not answer');
    world.simulator.putAccount({ msisdn: ACCOUNT, pin: '8642' });
    for (const action of ['balance', 'balance', 'change-pin']) {
      expect((await provider(action, '', WRONG_PIN)).refused).not.toBeNull();
    }

    const target = world.credentialId;
    const answered = { outcome: 'answered', code: null };
    const refused = {
      action: 'credential_set_refused',
      target: `${world.merchantId}/sandbox/orange/orange_sn/primary`,
    };
    expect(await eventsOfIt()).toEqual([
      { action: 'provider_balance', target, detail: answered },
      { action: 'provider_transactions', target, detail: answered },
      { action: 'provider_sandbox_numbers', target, detail: answered },
      { action: 'callback_registered', target, detail: {} },
      { action: 'provider_register_callback', target, detail: answered },
      {
        action: 'statement_import',
        target: expect.stringMatching(/^orange\/[0-9a-f]{12}$/) as string,
        detail: { lines: 1, effects: { to_confirm: 1 } },
      },
      { ...refused, detail: { kind: 'pin', code: '2011' } },
      { ...refused, detail: { kind: 'pin_refused_before', code: null } },
      { action: 'provider_transactions', target, detail: { outcome: 'unavailable', code: '50' } },
      { action: 'provider_balance', target, detail: { outcome: 'pin', code: '2011' } },
      { action: 'provider_balance', target, detail: { outcome: 'refused', code: null } },
      { action: 'change_pin', target, detail: { outcome: 'gate_closed', code: null } },
    ]);
    const written = JSON.stringify(await eventsOfIt());
    for (const hidden of [ACCOUNT, '+221', '771000', 'sandbox-secret', SIGNING_SECRET, '123456']) {
      expect(written).not.toContain(hidden);
    }
    // A PIN is short enough to lie in a random id by chance: it must not stand as a word of its own.
    for (const pin of [PIN, WRONG_PIN]) expect(written).not.toMatch(new RegExp(`\\b${pin}\\b`));
  });
});
