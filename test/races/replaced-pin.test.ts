import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { lockPayout } from '../../src/db/payout-rows';
import { passPinGate } from '../../src/db/pin-gates';
import { withTransaction } from '../../src/db/transaction';
import type { Providers } from '../../src/providers/registry';
import { eventually } from '../helpers/eventually';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk } from '../ops/operators-desk';
import type { Answer } from '../ops/operators-desk';
import { expectAllowedHistory } from './allowed-history';
import { createMoments } from './moments';
import { delays, holdsFor } from './property';
import { createWorkerProcess } from './worker-process';

const PAYOUTS = 20;
/** So many of them start when the PIN was changed. */
const LATER = 3;

const story = fc.record(
  {
    /** The PIN is changed once so many calls are cleared, and a moment later. */
    afterCalls: fc.integer({ min: 1, max: 10 }),
    changeMs: delays(60),
    /** Milliseconds that cleared calls wait before their first byte, as on a machine that is busy. */
    slowMs: fc.array(delays(150), { minLength: PAYOUTS, maxLength: PAYOUTS }),
  },
  { noNullPrototype: true },
);

interface Call {
  created_at: Date;
  outcome_at: Date;
}

describe('a PIN that is changed while many payouts are on their way', () => {
  let world: PayoutWorld;
  const moments = createMoments();
  let round = 0;
  let cleared = 0;
  let slow: readonly number[] = [];
  const passClearance = async (): Promise<void> => {
    cleared += 1;
    moments.come(`round ${round}, call ${cleared}`);
    await sleep(slow[cleared] ?? 0);
  };
  beforeAll(async () => {
    // A cleared call that waits before its first byte still leaves.
    world = await createPayoutWorld({ settings: { sendByMs: 15_000 } });
    for (let worker = 0; worker < 2; worker += 1) {
      await world.startWorkers(createWorkerProcess(world, slowedDown(world.providers, passClearance)));
    }
  });
  afterAll(() => world.close());

  test('no call leaves with the old one after the change, and the new one is proven by one call alone', async () => {
    const seen = { before: 0, after: 0 };
    await holdsFor(story, 5, async ({ afterCalls, changeMs, slowMs }) => {
      await provePin();
      round += 1;
      cleared = 0;
      slow = slowMs;
      const { pinsWrong } = world.simulator.requests();
      const ids = await Promise.all(Array.from({ length: PAYOUTS }, () => world.accept()));
      const starting = Promise.all(ids.slice(LATER).map((id) => world.startRun(id)));
      await moments.of(`round ${round}, call ${afterCalls}`);
      await sleep(changeMs);
      const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
      const change = await createOperatorsDesk(world).run('provider', `change-pin ${where}`, {
        input: `97531${round}`,
      });
      expect(change.refused).toBeNull();
      await starting;
      await Promise.all(ids.slice(0, LATER).map((id) => world.startRun(id)));
      await Promise.all(ids.map((id) => world.untilState(id, 'succeeded')));
      await eventually('every call has its answer', async () => (await openCalls()) === 0);

      expect(world.simulator.requests().pinsWrong - pinsWrong).toBe(0);
      const finishedAt = await lastChange();
      const calls = await callsOf(ids);
      const before = calls.filter(({ created_at: at }) => at < finishedAt);
      expect(before.filter(({ outcome_at: at }) => at > finishedAt)).toEqual([]);
      const [probe, ...others] = calls.filter(({ created_at: at }) => at >= finishedAt);
      seen.before += before.length;
      seen.after += others.length;
      const beside = others.filter(({ created_at: at }) => at < probe!.outcome_at);
      expect(beside).toEqual([]);
      for (const id of ids) await expectAllowedHistory(world, id);
    });
    expect(seen.before).toBeGreaterThan(0);
    expect(seen.after).toBeGreaterThan(0);
  });

  test('waits for a call with the old one that was let pass before', async () => {
    await provePin();
    round += 1;
    cleared = 0;
    slow = [0, 3_500];
    const { pinsWrong } = world.simulator.requests();
    const id = await world.accept();
    await world.startRun(id);
    await moments.of(`round ${round}, call 1`);
    const { printed, refused } = await changePin(`86420${round}`);
    expect([printed[0], refused]).toEqual(['calls with the old PIN are under way: waiting for their end', null]);
    expect((await world.payout(id)).state).toBe('succeeded');
    expect(world.simulator.requests().pinsWrong).toBe(pinsWrong);
  });

  test('by two operators at once, one changes it and the other one is told', async () => {
    await provePin();
    const { pinsWrong } = world.simulator.requests();
    const session = await world.pool.connect();
    try {
      // Who only reads the gate passes, and both have read it before one of them closes it.
      await session.query('begin');
      await session.query('select 1 from pin_gates for share');
      const changes = Promise.all(['1', '2'].map((last) => changePin(`7531${last}`)));
      await sleep(500);
      await session.query('rollback');
      const refusals = (await changes).map(({ refused }) => refused).sort();
      expect(refusals).toEqual([null, 'the gate of the present PIN is closed: `credential set` opens it']);
    } finally {
      session.release(true);
    }
    expect(world.simulator.requests().pinsWrong).toBe(pinsWrong);
  });

  test('a credential that is set while an intent asks the gate waits for it, not it for the other', async () => {
    const id = await world.accept();
    await world.pool.query("update payouts set reason = 'credential_proving' where id = $1", [id]);
    await world.saveCredential(PIN, 'open');
    await world.pool.query("update payouts set reason = 'credential_proving' where id = $1", [id]);
    const account = { provider: 'orange', environment: 'sandbox', accountNumber: ACCOUNT };
    const fingerprint = world.vault.fingerprintPin('orange', ACCOUNT, PIN);
    let saved: Promise<void> = Promise.resolve();
    const gate = await withTransaction(world.pool, async (trx) => {
      await lockPayout(trx, id);
      saved = world.saveCredential(PIN, 'open');
      await sleep(500);
      return await passPinGate(trx, account, { fingerprint, callId: 'test', probeMs: 1_000 });
    });
    expect(gate).toBe('proceed');
    await saved;
  });

  async function changePin(newPin: string): Promise<Answer> {
    const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
    return await createOperatorsDesk(world).run('provider', `change-pin ${where}`, { input: newPin });
  }

  /** One payout opens the gate where the last round left it with a PIN that no call has proven. */
  async function provePin(): Promise<void> {
    const id = await world.accept();
    await world.startRun(id);
    await world.untilState(id, 'succeeded');
  }

  async function openCalls(): Promise<number> {
    const { rows } = await world.pool.query<{ open: number }>(
      'select count(*)::int as open from submissions where outcome is null',
    );
    return rows[0]?.open ?? 0;
  }

  async function lastChange(): Promise<Date> {
    const { rows } = await world.pool.query<{ at: Date }>('select max(finished_at) as at from pin_changes');
    return rows[0]!.at;
  }

  /** In the order in which they were cleared. */
  async function callsOf(ids: readonly string[]): Promise<Call[]> {
    const { rows } = await world.pool.query<Call>(
      `select created_at, outcome_at from submissions where payout_id = any ($1) and kind = 'call' order by created_at`,
      [ids],
    );
    return rows;
  }
});

/** Providers whose cleared calls wait a moment before their first byte. */
function slowedDown({ orange }: Providers, passClearance: () => Promise<void>): Providers {
  return {
    orange: {
      ...orange,
      sandbox: {
        ...orange.sandbox,
        submit: (order, clearance, sendBy) =>
          orange.sandbox.submit(
            order,
            async () => {
              const answer = await clearance();
              await passClearance();
              return answer;
            },
            sendBy,
          ),
      },
    },
  };
}
