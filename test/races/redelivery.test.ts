import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';
import { pino } from 'pino';

import { claimCallbacks } from '../../src/db/callbacks';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { createSweeper } from '../../src/sweeper/sweeper';
import type { Sweeper } from '../../src/sweeper/sweeper';
import { eventually } from '../helpers/eventually';
import { expectAllowedHistory } from './allowed-history';
import { startEventReceiver } from './event-receiver';
import type { EventReceiver } from './event-receiver';
import { createMoments } from './moments';
import { delays, holdsFor } from './property';
import { createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

const story = fc.record(
  {
    /** How the endpoint answers the first try of an event, and how long it takes for each. */
    first: fc.constantFrom(204, 500),
    afterMs: delays(250),
    /** Redeliveries that are asked for, and other deliverers of the same event, after the run's own began. */
    redelivers: fc.array(delays(500), { minLength: 1, maxLength: 4 }),
    deliverers: fc.array(delays(500), { maxLength: 3 }),
  },
  { noNullPrototype: true },
);

describe('redelivery against the delivery of the same event', () => {
  let world: RaceWorld;
  let receiver: EventReceiver;
  let endpointId: string;
  let sweepers: Sweeper[];
  const delivering = createMoments();

  beforeAll(async () => {
    world = await createRaceWorld();
    receiver = await startEventReceiver();
    endpointId = await world.addEndpoint(receiver.url);
    await world.startWorkers({
      deliverPayoutWebhooks: (payoutId) => {
        delivering.come(payoutId);
        return world.activities.deliverPayoutWebhooks(payoutId);
      },
    });
    const { pool, runs } = world;
    sweepers = Array.from({ length: 2 }, () =>
      createSweeper({
        ...{ pool, runs, logger: pino({ level: 'silent' }), everyMs: 40, recheckMs: 60_000 },
        claimCallbacks: (limit) => claimCallbacks(pool, limit),
        claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
      }),
    );
  });
  afterAll(async () => {
    for (const sweeper of sweepers) await sweeper.close();
    await world.close();
    await receiver.close();
  });

  test('one deliverer at a time, one id and one body, a log that agrees with the endpoint', async () => {
    const asked = { granted: 0, underWay: 0 };
    await holdsFor(fc.array(story, { minLength: 5, maxLength: 5 }), 3, async (stories) => {
      const planned = new Map<string, (typeof stories)[number]>();
      receiver.plan((payoutId, tries) => {
        const plan = planned.get(payoutId);
        return { status: tries === 0 ? (plan?.first ?? 204) : 204, afterMs: plan?.afterMs ?? 0 };
      });
      await Promise.all(
        stories.map(async (plan) => {
          const id = await world.send(world.recipientOf('success'));
          planned.set(id, plan);
          await delivering.of(id);
          const eventId = `evt_${id.slice('po_'.length)}_2`;
          const redeliver = async (delayMs: number): Promise<number> => {
            await sleep(delayMs);
            const path = `/v1/webhook-events/${eventId}/endpoints/${endpointId}/redeliver`;
            const { status, body } = await world.app.request('POST', path, { key: world.operatorKey });
            expect([202, 409]).toContain(status);
            if (status === 409) expect(body.code).toBe('delivery_under_way');
            return status;
          };
          const deliver = async (delayMs: number): Promise<void> => {
            await sleep(delayMs);
            await world.activities.deliverWebhook({ eventId, endpointId }).catch((error: unknown) => {
              expect(error).toMatchObject({ type: 'webhook_failed' });
            });
          };
          const [statuses] = await Promise.all([
            Promise.all(plan.redelivers.map(redeliver)),
            Promise.all(plan.deliverers.map(deliver)),
          ]);
          const granted = statuses.filter((status) => status === 202).length;
          asked.granted += granted;
          asked.underWay += statuses.length - granted;

          await eventually(`everything of ${id} is delivered`, () => isAllDelivered(id));
          const { outbox, deliveries } = await expectAllowedHistory(world, id, { redelivered: granted });
          expect(outbox.map(({ type }) => type)).toEqual(['payout.processing', 'payout.succeeded']);
          for (const { event_id } of outbox) {
            const event = receiver.heard.get(event_id);
            const log = deliveries.filter((attempt) => attempt.event_id === event_id).map(({ result }) => result);
            expect([event?.bodies.size, event?.mostAtOnce]).toEqual([1, 1]);
            expect(log).toEqual(event?.answers.map((status) => (status === 204 ? 'delivered' : 'refused')));
          }
          if (granted > 0) expect(await isDeliveredSinceAsked(eventId)).toBe(true);
        }),
      );
    });
    expect(asked.granted).toBeGreaterThan(0);
    expect(asked.underWay).toBeGreaterThan(0);
  });

  /** Makes what still waits due now, since sweepers wait half a minute for a run and longer for a workflow. */
  async function isAllDelivered(payoutId: string): Promise<boolean> {
    await world.pool.query(
      'update outbox set sweep_after = clock_timestamp() where payout_id = $1 and delivered_at is null',
      [payoutId],
    );
    const { rows } = await world.pool.query<{ open: number }>(
      'select count(*)::int as open from outbox where payout_id = $1 and (delivered_at is null or claimed_until is not null)',
      [payoutId],
    );
    return rows[0]?.open === 0;
  }

  /** Each redelivery that was granted is followed by a delivery. */
  async function isDeliveredSinceAsked(eventId: string): Promise<boolean> {
    const { rows } = await world.pool.query<{ since: boolean }>(
      `select (select max(at) from webhook_deliveries where event_id = $1 and result = 'delivered')
         > (select max(at) from operator_events where action = 'webhook_redelivered' and target = $1) as since`,
      [eventId],
    );
    return rows[0]?.since ?? false;
  }
});
