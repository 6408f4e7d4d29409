import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';
import { pino } from 'pino';

import { claimCallbacks, insertCallback } from '../../src/db/callbacks';
import { cancelPayout } from '../../src/db/cancel-payout';
import { newId } from '../../src/db/ids';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { submissionReference } from '../../src/domain/reference';
import { createSweeper } from '../../src/sweeper/sweeper';
import type { SweeperRuns } from '../../src/sweeper/sweeper';
import { eventually } from '../helpers/eventually';
import { expectAllowedHistory } from './allowed-history';
import { startEventReceiver } from './event-receiver';
import type { EventReceiver } from './event-receiver';
import { holdsFor } from './property';
import { createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

const story = fc.record(
  {
    sweepers: fc.integer({ min: 2, max: 5 }),
    everyMs: fc.integer({ min: 1, max: 30 }),
    payouts: fc.integer({ min: 1, max: 12 }),
    webhooks: fc.integer({ min: 1, max: 6 }),
    callbacks: fc.integer({ min: 1, max: 6 }),
    /** Of so many takes the first one fails, as with an engine that is away for a moment. */
    failEvery: fc.integer({ min: 2, max: 5 }),
  },
  { noNullPrototype: true },
);

/** Far longer than a round takes: nothing is taken twice in it. */
const LEASE_MS = 60_000;

describe('several sweepers over the same work', () => {
  let world: RaceWorld;
  let receiver: EventReceiver;
  beforeAll(async () => {
    world = await createRaceWorld();
    receiver = await startEventReceiver();
    await world.addEndpoint(receiver.url);
    await world.startWorkers();
  });
  afterAll(async () => {
    await world.close();
    await receiver.close();
  });

  /** Sweepers over the real engine that write down what each takes. */
  function startSweepers({ count, everyMs, failEvery }: { count: number; everyMs: number; failEvery: number }): {
    taken: Map<string, number>;
    failed: Set<string>;
    rounds: () => Promise<void>;
    close: () => Promise<void>;
  } {
    const { pool, runs } = world;
    const taken = new Map<string, number>();
    const failed = new Set<string>();
    const take = async (name: string, work: () => Promise<void>): Promise<void> => {
      taken.set(name, (taken.get(name) ?? 0) + 1);
      if (taken.size % failEvery === 0 && taken.get(name) === 1) {
        failed.add(name);
        throw new Error('the engine is away');
      }
      await work();
    };
    const recorded: SweeperRuns = {
      ensure: (id, options) => take(id, () => runs.ensure(id, options)),
      ensureBulk: (id) => take(id, () => runs.ensureBulk(id)),
      bulkChanged: (id) => take(id, () => runs.bulkChanged(id)),
      startLateSettlementCheck: (id, provider) =>
        take(`late checks ${id}`, () => runs.startLateSettlementCheck(id, provider)),
      startWebhook: (event, endpoint) => take(event, () => runs.startWebhook(event, endpoint)),
      startBulkWebhook: (bulk, endpoint) => runs.startBulkWebhook(bulk, endpoint),
      signalReported: (payoutId, id) => take(id, () => runs.signalReported(payoutId, id)),
    };
    const sweepers = Array.from({ length: count }, () =>
      createSweeper({
        ...{ pool, runs: recorded, logger: pino({ level: 'silent' }), everyMs, recheckMs: LEASE_MS },
        claimCallbacks: (limit) => claimCallbacks(pool, limit),
        claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
      }),
    );
    return {
      taken,
      failed,
      async rounds() {
        for (let round = 0; round < 3; round += 1) await Promise.all(sweepers.map((sweeper) => sweeper.sweep()));
      },
      async close() {
        await Promise.all(sweepers.map((sweeper) => sweeper.close()));
      },
    };
  }

  /** A payout that the provider never ends, with a run that waits; callbacks about it. */
  async function createCallbacks(count: number): Promise<string[]> {
    const payoutId = await world.send(world.recipientOf('never_final'));
    await world.untilState(payoutId, 'pending');
    const ids = Array.from({ length: count }, () => newId('cb'));
    for (const id of ids) {
      await insertCallback(world.pool, {
        id,
        provider: 'orange',
        credentialId: world.credentialId,
        eventId: id,
        reference: submissionReference({ payoutId, attempt: 1, call: 1 }),
        providerReference: null,
        claim: 'success',
        paid: { amount: null, currency: null, recipient: null },
        bodyEnc: Buffer.from('sealed'),
      });
    }
    return ids;
  }

  /** A payout that was cancelled before it had a run: nobody tells its endpoint. */
  async function createWebhook(): Promise<string> {
    const payoutId = await world.accept();
    await cancelPayout(world.pool, { payoutId, actor: 'system', reason: 'cancelled_by_operations' });
    return payoutId;
  }

  async function makeDue(names: readonly string[]): Promise<void> {
    const due = "sweep_after = clock_timestamp() - interval '1 second'";
    await world.pool.query(`update payouts set ${due} where id = any ($1)`, [names]);
    await world.pool.query(`update outbox set ${due} where event_id = any ($1)`, [names]);
    await world.pool.query(`update callbacks set ${due} where id = any ($1)`, [names]);
  }

  test('each thing that is due is taken by one of them, once within its lease, and each run is started once', async () => {
    await holdsFor(story, 5, async ({ sweepers: count, everyMs, payouts, webhooks, callbacks, failEvery }) => {
      const callbackIds = await createCallbacks(callbacks);
      const payoutIds = await Promise.all(Array.from({ length: payouts }, () => world.accept()));
      const toldIds = await Promise.all(Array.from({ length: webhooks }, createWebhook));
      const eventIds = toldIds.map((id) => `evt_${id.slice('po_'.length)}_2`);
      const names = [...payoutIds, ...eventIds, ...callbackIds];
      const sweepers = startSweepers({ count, everyMs, failEvery });
      try {
        await sleep(everyMs);
        await makeDue(names);
        await eventually('all is taken', () => names.every((name) => sweepers.taken.has(name)));
        await sweepers.rounds();
        expect(names.map((name) => sweepers.taken.get(name))).toEqual(names.map(() => 1));

        // What could not be started is due again once its lease is over.
        const failed = names.filter((name) => sweepers.failed.has(name));
        await makeDue(failed);
        await eventually('what failed is taken again', () => failed.every((name) => sweepers.taken.get(name) === 2));
        await sweepers.rounds();
        const twice = new Set(failed);
        expect(names.map((name) => sweepers.taken.get(name))).toEqual(names.map((name) => (twice.has(name) ? 2 : 1)));
        await Promise.all(payoutIds.map((id) => world.untilState(id, 'succeeded')));
        await eventually('the endpoint has heard', () => eventIds.every((event) => receiver.heard.has(event)));
      } finally {
        await sweepers.close();
      }
      const { rows } = await world.pool.query<{ id: string; take_ups: number }>(
        'select id, take_ups from payouts where id = any ($1) and take_ups > 0',
        [payoutIds],
      );
      expect(rows).toEqual([]);
      for (const id of payoutIds) {
        await eventually(`${id} is told`, () => isTold(id));
        await expectAllowedHistory(world, id);
      }
      for (const event of eventIds) expect(receiver.heard.get(event)?.answers).toEqual([204]);
      const { rows: open } = await world.pool.query(
        'select id from callbacks where id = any ($1) and applied_at is null',
        [callbackIds],
      );
      expect(open).toEqual([]);
    });
  });

  async function isTold(payoutId: string): Promise<boolean> {
    const { rows } = await world.pool.query<{ open: number }>(
      'select count(*)::int as open from outbox where payout_id = $1 and delivered_at is null',
      [payoutId],
    );
    return rows[0]?.open === 0;
  }
});
