import { wakeQueuedPayouts } from '../../src/db/wake-payouts';
import { eventually } from '../helpers/eventually';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk } from '../ops/operators-desk';

/** Cash-in requests that reached the provider. */
function cashIns(world: PayoutWorld): number {
  return Object.values(world.simulator.requests().cashInsByReference).reduce((sum, count) => sum + count, 0);
}

async function reasons(world: PayoutWorld, ids: readonly string[]): Promise<readonly string[]> {
  const payouts = await Promise.all(ids.map((id) => world.payout(id)));
  return payouts.map(({ state, reason }) => `${state}:${reason}`);
}

describe('the credential gate', () => {
  test('lets one call with an unproven wrong PIN leave, holds ten payouts back, and lets them go with a new PIN', async () => {
    const world = await createPayoutWorld({ pin: '1357', gate: 'unproven' });
    try {
      const workers = await world.startWorkers();
      const recipients = Array.from({ length: 10 }, () => world.recipientOf('success'));
      const ids = await Promise.all(recipients.map((recipient) => world.accept({ recipient })));
      await Promise.all(ids.map((id) => world.startRun(id)));
      await eventually('all wait as expected', async () =>
        (await reasons(world, ids)).every((reason) => reason === 'queued:credential_blocked'),
      );
      expect(cashIns(world)).toBe(1);

      await world.saveCredential(PIN, 'unproven');
      await Promise.all(ids.map((id) => world.untilState(id, 'succeeded')));
      for (const recipient of recipients) expect(await world.credited(recipient)).toBe(1_000n);
      expect(workers.states()).not.toEqual({});
    } finally {
      await world.close();
    }
  });

  test('lets a new PIN prove itself by one call alone before the others follow', async () => {
    const world = await createPayoutWorld({
      gate: 'unproven',
      simulator: { settlementDelayMs: 0 },
      // The one call stands at the provider until the others wait.
      timeouts: { headersMs: 20_000 },
      settings: { sendByMs: 30_000 },
    });
    try {
      await world.startWorkers();
      world.simulator.hold({ point: 'before_move', count: 1 });
      const ids = await Promise.all(Array.from({ length: 5 }, () => world.accept()));
      await Promise.all(ids.map((id) => world.startRun(id)));
      await eventually('all wait as expected', async () => {
        const waiting = (await reasons(world, ids)).filter((reason) => reason === 'queued:credential_proving');
        return waiting.length === 4;
      });
      expect(cashIns(world)).toBe(1);
      world.simulator.release();
      await Promise.all(ids.map((id) => world.untilState(id, 'succeeded')));
    } finally {
      await world.close();
    }
  });

  test('stops every call that has not left yet when a PIN turns wrong later', async () => {
    const world = await createPayoutWorld();
    try {
      await world.startWorkers();
      const first = await world.accept();
      await world.startRun(first);
      await world.untilState(first, 'succeeded');

      world.simulator.putAccount({ msisdn: '781234567', pin: '9999' });
      const ids = await Promise.all(Array.from({ length: 3 }, () => world.accept()));
      await world.startRun(ids[0]!);
      await eventually(
        'all wait as expected',
        async () => (await reasons(world, [ids[0]!]))[0] === 'queued:credential_blocked',
      );
      const before = cashIns(world);
      await Promise.all(ids.slice(1).map((id) => world.startRun(id)));
      await eventually('all wait as expected', async () =>
        (await reasons(world, ids)).every((reason) => reason === 'queued:credential_blocked'),
      );
      await wakeQueuedPayouts(world.pool, { reasons: ['credential_blocked'] });
      expect(cashIns(world)).toBe(before);
    } finally {
      await world.close();
    }
  });

  test('blocks for people when the answer to a second proving call is lost as well', async () => {
    const world = await createPayoutWorld({ gate: 'unproven', settings: { settlementWindowMs: 60_000 } });
    try {
      await world.startWorkers();
      for (let probe = 1; probe <= 2; probe += 1) {
        const id = await world.accept({ recipient: world.recipientOf('lost_unmoved') });
        await world.startRun(id);
        await world.untilState(id, 'unknown');
      }
      const { rows } = await world.pool.query('select state from pin_gates');
      expect(rows).toEqual([{ state: 'blocked' }]);
    } finally {
      await world.close();
    }
  });

  test('that waits for a PIN change lets that call alone leave: what waited goes on with the new PIN', async () => {
    const world = await createPayoutWorld();
    try {
      await world.startWorkers();
      const desk = createOperatorsDesk(world);
      const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
      const asksForChange = 'asks for a new PIN: `provider change-pin` sets one, until then no call leaves';
      world.simulator.putAccount({ msisdn: ACCOUNT, mustChangePin: true });
      const ids = [await world.accept(), await world.accept({ recipient: world.recipientOf('pin_to_be_changed') })];
      await world.startRun(ids[0]!);
      await eventually('it waits', async () => (await reasons(world, ids))[0] === 'queued:credential_blocked');
      await world.startRun(ids[1]!);
      await eventually('both wait', async () => (await reasons(world, ids))[1] === 'queued:credential_blocked');
      expect(cashIns(world)).toBe(1);
      expect((await world.pool.query('select state, last_code from pin_gates')).rows).toEqual([
        { state: 'rotation_required', last_code: '2010' },
      ]);
      expect((await world.pool.query('select 1 from pin_refusals')).rows).toEqual([]);
      expect((await desk.run('provider', `balance ${where}`)).refused).toContain(asksForChange);

      // The credential may be set anew with the PIN that is right: it is saved, and still must be changed.
      const secrets = { client_id: 'sandbox-client', client_secret: 'sandbox-secret', pin: PIN };
      const set = `set ${where} --provider orange --account ${ACCOUNT}`;
      const saved = await desk.run('credential', set, { input: JSON.stringify(secrets) });
      expect([saved.refused, saved.printed[0]]).toEqual([
        null,
        expect.stringContaining('`provider change-pin` sets it'),
      ]);

      const changed = await desk.run('provider', `change-pin ${where}`, { input: '8642' });
      expect([changed.refused, changed.printed]).toEqual([
        null,
        [expect.stringContaining('changed: the new PIN is saved')],
      ]);
      for (const id of ids) await world.startRun(id);
      await Promise.all(ids.map((id) => world.untilState(id, 'succeeded')));
      expect((await world.pool.query('select state from pin_gates')).rows).toEqual([{ state: 'open' }]);
      expect(world.simulator.requests().pinsWrong).toBe(0);
    } finally {
      await world.close();
    }
  });

  test('still waits for a PIN change after the provider refused one', async () => {
    const world = await createPayoutWorld();
    try {
      const desk = createOperatorsDesk(world);
      const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
      world.simulator.putAccount({ msisdn: ACCOUNT, mustChangePin: true });
      expect((await desk.run('provider', `balance ${where}`)).refused).toContain('code 2010');
      world.simulator.configure({ endpointFaults: { changePin: { throttled: 1 } } });
      expect((await desk.run('provider', `change-pin ${where}`, { input: '8642' })).refused).toContain(
        'was not changed',
      );
      expect((await world.pool.query('select state from pin_gates')).rows).toEqual([{ state: 'rotation_required' }]);
      world.simulator.configure({ endpointFaults: {} });
      expect((await desk.run('provider', `change-pin ${where}`, { input: '8642' })).refused).toBeNull();
    } finally {
      await world.close();
    }
  });
});
