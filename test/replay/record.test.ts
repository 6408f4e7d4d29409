import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { cancelPayout } from '../../src/db/cancel-payout';
import { confirmDecision, proposeDecision } from '../../src/db/decisions';
import { newId } from '../../src/db/ids';
import { retryPayout } from '../../src/db/retry-payout';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import type { ScenarioName } from '../../src/simulators/orange';
import {
  DECISION_RECORDED_SIGNAL,
  LATE_SETTLEMENT_CHECK_WORKFLOW,
  lateSettlementCheckWorkflowId,
  PAYOUT_CHANGED_SIGNAL,
  payoutWorkflowId,
  PROVIDER_BALANCE_WORKFLOW,
  PROVIDER_REPORTED_SIGNAL,
  RETRY_CHECK_WORKFLOW,
  WEBHOOK_WORKFLOW,
  webhookWorkflowId,
  workflowTaskQueue,
} from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';
import { REPLAY_MASTER_KEYS } from '../helpers/replay-keys';
import { describeRecording, record, recordingTest } from './recording';

describeRecording('recording real runs', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld({
      masterKeys: REPLAY_MASTER_KEYS,
      settings: { settlementWindowMs: 6_000, poll: { firstMs: 200, maxMs: 500 } },
    });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  async function start(scenario: ScenarioName, scheduledAt?: Date): Promise<string> {
    const id = await world.accept({ recipient: world.recipientOf(scenario), ...(scheduledAt && { scheduledAt }) });
    await world.startRun(id);
    return id;
  }

  const tell = (id: string, signal: string, ...args: unknown[]): Promise<void> =>
    world.client.workflow.getHandle(payoutWorkflowId(id)).signal(signal, ...args);

  for (const [recording, scenario] of [
    ['success-at-once', 'success'],
    ['pending-then-success', 'pending_success'],
    ['refused', 'customer_unknown'],
    ['lost-answer-found', 'lost_moved'],
    ['key-roll', 'stale_key_once'],
    ['token-refused', 'unauthorized_once'],
    ['refused-for-want-of-float', 'payer_balance_once'],
    ['refused-for-the-rate', 'throttled_once'],
  ] as const) {
    recordingTest([recording], async () => {
      await record(world, recording, payoutWorkflowId(await start(scenario)));
    });
  }

  recordingTest(['scheduled'], async () => {
    await record(world, 'scheduled', payoutWorkflowId(await start('success', new Date(Date.now() + 1_500))));
  });

  recordingTest(['reported-while-pending'], async () => {
    const id = await start('pending_success');
    await world.untilState(id, 'pending');
    await tell(id, PROVIDER_REPORTED_SIGNAL, 'cb_recorded');
    await record(world, 'reported-while-pending', payoutWorkflowId(id));
  });

  recordingTest(['cancelled-by-run'], async () => {
    const id = await start('success', new Date(Date.now() + 3_600_000));
    await world.client.workflow.getHandle(payoutWorkflowId(id)).cancel();
    await record(world, 'cancelled-by-run', payoutWorkflowId(id));
  });

  recordingTest(['cancelled-by-merchant'], async () => {
    const id = await start('success', new Date(Date.now() + 3_600_000));
    await cancelPayout(world.pool, { payoutId: id, actor: 'system', reason: 'cancelled_by_merchant' });
    await tell(id, PAYOUT_CHANGED_SIGNAL);
    await record(world, 'cancelled-by-merchant', payoutWorkflowId(id));
  });

  recordingTest(['lost-answer-to-review'], async () => {
    const id = await start('lost_unmoved');
    await world.untilState(id, 'in_review');
    const evidenceEnc = await world.vault.seal(world.merchantId, 'evidence', 'recorded');
    const decision = { resolution: 'not_paid', providerReference: null, keyId: 'key_per_one', marginMs: 500 } as const;
    const decisionId = await proposeDecision(world.pool, { payoutId: id, evidenceEnc, ...decision });
    const times = { windowMs: 8_000, marginMs: 500, watchMs: 60_000 };
    await confirmDecision(world.pool, { decisionId, keyId: 'key_per_two', ...times });
    await tell(id, DECISION_RECORDED_SIGNAL, decisionId);
    await record(world, 'lost-answer-to-review', payoutWorkflowId(id));
  });

  recordingTest(['terminated', 'taken-up-again'], async () => {
    const id = await start('pending_success');
    await world.untilState(id, 'pending');
    const handle = world.client.workflow.getHandle(payoutWorkflowId(id));
    const { runId } = await handle.describe();
    await handle.terminate('recorded');
    await world.startRun(id);
    await record(world, 'terminated', payoutWorkflowId(id), runId);
    await record(world, 'taken-up-again', payoutWorkflowId(id));
  });

  recordingTest(['retried', 'retry-check', 'late-settlement-check', 'provider-balance'], async () => {
    const id = await start('customer_unknown');
    const payout = await world.untilState(id, 'failed');
    await world.client.workflow.getHandle(payoutWorkflowId(id)).result();
    const taskQueue = workflowTaskQueue(world.taskQueuePrefix);
    for (const [recording, workflow, workflowId, args] of [
      [
        'late-settlement-check',
        LATE_SETTLEMENT_CHECK_WORKFLOW,
        lateSettlementCheckWorkflowId(world.credentialId),
        [world.credentialId, 'orange'],
      ],
      ['retry-check', RETRY_CHECK_WORKFLOW, `retry-check/${id}`, [id, 'orange']],
      ['provider-balance', PROVIDER_BALANCE_WORKFLOW, `balance/${id}`, [world.credentialId, 'orange']],
    ] as const) {
      await world.client.workflow.start(workflow, { taskQueue, workflowId, args: [...args] });
      await record(world, recording, workflowId);
    }
    const key = { merchantId: world.merchantId, environment: 'sandbox', operation: 'retry', key: 'recorded' } as const;
    const binding = { fieldHashes: {}, answerEnc: Buffer.alloc(0) };
    expect(await retryPayout(world.pool, { payout, actor: 'system', at: new Date(), key, binding })).toBe('retried');
    await world.startRun(id);
    await record(world, 'retried', payoutWorkflowId(id));
  });

  recordingTest(['webhook-handed-over'], async () => {
    const receiver = createServer((_request, response) => response.writeHead(204).end());
    await new Promise<void>((resolve) => receiver.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const endpointId = newId('we');
    const secret = await world.vault.seal(world.merchantId, 'webhook-secret', `whsec_${'A'.repeat(32)}`);
    await world.pool.query(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ($1, $2, 'sandbox', 'http://127.0.0.1:9/dead', $3, $4)`,
      [endpointId, world.merchantId, WEBHOOK_EVENTS, secret],
    );
    try {
      const id = await start('success');
      await world.client.workflow.getHandle(payoutWorkflowId(id)).result();
      const eventId = await eventually('its last event waits for delivery', async () => {
        const { rows } = await world.pool.query<{ event_id: string }>(
          `select event_id from outbox where payout_id = $1 and type = 'payout.succeeded'`,
          [id],
        );
        return rows[0]?.event_id;
      });
      const { port } = receiver.address() as AddressInfo;
      await world.pool.query('update webhook_endpoints set url = $2 where id = $1', [
        endpointId,
        `http://127.0.0.1:${port}/hooks`,
      ]);
      const workflowId = webhookWorkflowId(eventId, endpointId);
      await world.client.workflow.start(WEBHOOK_WORKFLOW, {
        ...{ workflowId, taskQueue: workflowTaskQueue(world.taskQueuePrefix), args: [{ eventId, endpointId }] },
      });
      await record(world, 'webhook-handed-over', workflowId);
    } finally {
      receiver.close();
      await world.pool.query('update webhook_endpoints set disabled_at = now() where id = $1', [endpointId]);
    }
  });
});

describeRecording('recording runs that need a world of their own', () => {
  recordingTest(['wrong-pin-parked-and-resumed'], async () => {
    const world = await createPayoutWorld({ masterKeys: REPLAY_MASTER_KEYS, pin: '0000', gate: 'unproven' });
    try {
      await world.startWorkers();
      const id = await world.accept();
      await world.startRun(id);
      await eventually('it is parked', async () => (await world.payout(id)).reason === 'credential_blocked');
      await world.saveCredential(PIN, 'unproven');
      await world.client.workflow.getHandle(payoutWorkflowId(id)).signal(PAYOUT_CHANGED_SIGNAL);
      await record(world, 'wrong-pin-parked-and-resumed', payoutWorkflowId(id));
    } finally {
      await world.close();
    }
  });

  recordingTest(['killed-worker'], async () => {
    const world = await createPayoutWorld({ masterKeys: REPLAY_MASTER_KEYS });
    const first = startProduct('worker', world.env);
    try {
      await first.port();
      const id = await world.accept();
      world.simulator.hold({ point: 'after_move', count: 1 });
      await world.startRun(id);
      await eventually('its call is under way', () => world.simulator.holds().after_move.blocked.length === 1);
      await first.kill('SIGKILL');
      world.simulator.release();
      await world.startWorkers();
      await record(world, 'killed-worker', payoutWorkflowId(id));
    } finally {
      await first.kill('SIGKILL');
      await world.close();
    }
  });
});
