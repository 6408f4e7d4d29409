import { pino } from 'pino';
import { Registry } from 'prom-client';

import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { listOpenAlerts } from '../../src/db/operator-alerts';
import { createApiKey } from '../../src/db/api-keys';
import { openReviewItem } from '../../src/db/review-items';
import { beginRestore, releaseRestore } from '../../src/db/restores';
import type { OperatorCondition } from '../../src/domain/operator-alert';
import { collectPayoutMetrics } from '../../src/payout-metrics';
import { createOperatorAlerts } from '../../src/sweeper/operator-alerts';
import type { OperatorAlerts } from '../../src/sweeper/operator-alerts';
import { ACCOUNT, PIN } from '../helpers/payout-world';
import { createDeliveryWorld, verify } from '../webhooks/delivery-world';
import type { DeliveryWorld, Receiver } from '../webhooks/delivery-world';
import { createOperatorsDesk } from './operators-desk';
import type { OperatorsDesk } from './operators-desk';

let world: DeliveryWorld;
let desk: OperatorsDesk;
let alerts: OperatorAlerts;
let receiver: Receiver;
let secret: string;
let endpointId: string;
let others: readonly OperatorCondition[] = [];
const logged: { level: number; kind?: string; msg: string; detail?: object }[] = [];

beforeAll(async () => {
  world = await createDeliveryWorld();
  desk = createOperatorsDesk(world);
  const sink = { write: (line: string) => void logged.push(JSON.parse(line) as never) };
  // Rounds are made by the tests alone.
  const everyMs = 3_600_000;
  alerts = createOperatorAlerts({
    ...{ pool: world.pool, logger: pino({}, sink), everyMs },
    readOthers: () => Promise.resolve(others),
  });
  receiver = await world.createReceiver();
  const added = await desk.run('endpoint', `add ${receiver.url}`);
  endpointId = /added: (we_\w+)/.exec(added.printed[0]!)![1]!;
  secret = added.printed[1]!.split(': ')[1]!;
});
afterAll(async () => {
  await alerts.close();
  await world.close();
});
beforeEach(() => {
  receiver.received = [];
  receiver.answer = 204;
  logged.length = 0;
});

/** What the sweeper and a delivery workflow do with what is due. */
async function deliverDue(): Promise<void> {
  for (const key of await claimUnclaimedDeliveries(world.pool, 100)) {
    await world.webhooks.deliverWebhook(key).catch(() => undefined);
  }
}

/** A round, and what the endpoint then hears, its signatures verified. */
async function told(): Promise<readonly { type: string; data: object }[]> {
  receiver.received = [];
  await alerts.round();
  await deliverDue();
  return receiver.received.map((request) => verify(request, secret));
}

test('a closed gate is told once while it lasts, with its credential and without a number or secret: log, event, metric', async () => {
  expect(await told()).toEqual([]);
  world.simulator.putAccount({ msisdn: ACCOUNT, mustChangePin: true });
  const where = `--merchant ${world.merchantId} --environment sandbox --operator orange_sn`;
  await desk.run('provider', `balance ${where}`);
  const heard = await told();
  expect(heard).toMatchObject([
    {
      type: 'credential_gate.blocked',
      data: { provider: 'orange', environment: 'sandbox', state: 'rotation_required', code: '2010' },
    },
  ]);
  expect(heard[0]?.data).toMatchObject({ credentials: [world.credentialId] });
  expect(logged).toMatchObject([
    { level: 50, kind: 'credential_gate.blocked', msg: expect.stringContaining('runbook') },
  ]);
  expect(JSON.stringify([heard, logged])).not.toMatch(new RegExp(`${ACCOUNT}|\\b${PIN}\\b`));
  const metrics = new Registry();
  const gauges = { logger: pino({ level: 'silent' }), lateCheckOverdueMs: 3_600_000 };
  collectPayoutMetrics(metrics, world.pool, gauges);
  const shown = await metrics.metrics();
  expect(shown).toContain('cauri_credential_gates_closed{state="rotation_required"} 1');
  expect(shown).toContain('cauri_operator_alerts_open{kind="credential_gate.blocked"} 1');
  expect(await listOpenAlerts(world.pool)).toMatchObject([{ kind: 'credential_gate.blocked' }]);

  expect(await told()).toEqual([]);
  expect(logged).toHaveLength(1);

  await desk.run('provider', `change-pin ${where}`, { input: '8642' });
  await desk.run('provider', `balance ${where}`);
  expect(await told()).toEqual([]);
  expect(await listOpenAlerts(world.pool)).toEqual([]);
  world.simulator.putAccount({ msisdn: ACCOUNT, pin: PIN });
  await desk.run('provider', `balance ${where}`);
  expect(await told()).toMatchObject([{ type: 'credential_gate.blocked', data: { state: 'blocked', code: '2011' } }]);
});

test('an opened review, a low float, overdue late checks and an opened restore are told once each', async () => {
  await told();
  const payoutId = await world.accept({ amount: 2_000n });
  await openReviewItem(world.pool, { payoutId, kind: 'mismatch', detail: null });
  expect(await told()).toMatchObject([
    {
      type: 'review.opened',
      data: { kind: 'mismatch', payout: payoutId, merchant: world.merchantId, amount: '2000', currency: 'XOF' },
    },
  ]);

  const float = `--merchant ${world.merchantId} --environment sandbox --currency XOF`;
  await desk.run('float-alert', `${float} --below 5000000`);
  expect(await told()).toMatchObject([
    { type: 'float.low', data: { of: 'merchant', below: '5000000', available: '998000' } },
  ]);
  await desk.run('float-alert', `${float} --below never`);

  await world.pool.query("update payouts set reason = 'provider_float_low' where id = $1", [payoutId]);
  expect(await told()).toMatchObject([
    { type: 'float.low', data: { of: 'provider', credential: world.credentialId, merchant: world.merchantId } },
  ]);

  others = [{ kind: 'late_checks.overdue', subject: 'orange', detail: { provider: 'orange', count: 3 } }];
  expect(await told()).toMatchObject([{ type: 'late_checks.overdue', data: { provider: 'orange', count: 3 } }]);

  const restore = await beginRestore(world.pool, null);
  expect(await told()).toMatchObject([{ type: 'restore.opened', data: { restore: restore.id } }]);
  expect(await told()).toEqual([]);
  await releaseRestore(world.pool, restore.id, {});
  others = [];
  expect(await told()).toEqual([]);
});

test('many workers at once tell of one condition once', async () => {
  await told();
  others = [{ kind: 'late_checks.overdue', subject: 'many', detail: {} }];
  await Promise.all(Array.from({ length: 8 }, () => alerts.round()));
  await deliverDue();
  expect(receiver.received).toHaveLength(1);
  others = [];
});

test('what an endpoint refuses is tried again, given up, and delivered once more on demand', async () => {
  await told();
  others = [{ kind: 'late_checks.overdue', subject: 'refused', detail: { provider: 'orange' } }];
  receiver.answer = 500;
  await alerts.round();
  const [key] = await claimUnclaimedDeliveries(world.pool, 100);
  await expect(world.webhooks.deliverWebhook(key!)).rejects.toThrow('refused 500');
  await world.webhooks.giveUpWebhook(key!);
  expect((await desk.run('endpoint', 'list')).printed).toEqual([
    expect.stringMatching(
      new RegExp(`^${endpointId}  http://127.0.0.1:\\d+  credential_gate.blocked,.*0 under way, 1 given up$`),
    ),
  ]);
  receiver.answer = 204;
  expect((await desk.run('endpoint', `redeliver ${endpointId}`)).printed).toEqual([
    'due again: 1 event(s) that were given up',
  ]);
  receiver.received = [];
  await deliverDue();
  expect(receiver.received.map((request) => verify(request, secret).type)).toEqual(['late_checks.overdue']);
  others = [];
});

test('an endpoint hears of the events that it names, and of none once it is removed', async () => {
  await told();
  const some = await world.createReceiver();
  const { printed } = await desk.run('endpoint', `add ${some.url} --events float.low,restore.opened`);
  const id = /added: (we_\w+)/.exec(printed[0]!)![1]!;
  others = [
    { kind: 'late_checks.overdue', subject: 'first', detail: {} },
    { kind: 'float.low', subject: 'first', detail: {} },
  ];
  expect((await told()).map(({ type }) => type).sort()).toEqual(['float.low', 'late_checks.overdue']);
  expect(some.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual(['float.low']);
  expect((await desk.run('endpoint', `remove ${id}`)).refused).toBeNull();
  others = [{ kind: 'float.low', subject: 'second', detail: {} }];
  expect(await told()).toHaveLength(1);
  expect(some.received).toHaveLength(1);
  others = [];
});

test('endpoint says what it cannot use; the operator’s tenant is no merchant, and no key opens it', async () => {
  expect((await desk.run('endpoint', 'add http://example.com')).refused).toContain('give an https URL');
  expect((await desk.run('endpoint', 'add https://example.com --events payout.failed')).refused).toContain(
    'is none of',
  );
  expect((await desk.run('endpoint', 'remove we_none')).refused).toContain('no endpoint');
  expect(
    (await desk.run('float-alert', '--merchant operator --environment live --currency XOF --below 1')).refused,
  ).toBe('there is no merchant operator');
  const key = { role: 'merchant', merchantId: 'operator', environment: 'live' } as const;
  await expect(
    createApiKey(world.pool, { ...key, subject: { kind: 'system', systemId: 'x', responsiblePersonId: 'per_one' } }),
  ).rejects.toThrow(/api_keys_not_the_operators/);
});
