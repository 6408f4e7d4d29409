import { randomBytes } from 'node:crypto';

import type { Client } from '@temporalio/client';
import { newId } from '../../src/db/ids';
import type { PayoutStart } from '../../src/domain/payout-start';
import { createTemporalClient } from '../../src/temporal/connect';
import { createDataConverter } from '../../src/temporal/data-converter';
import { createPayoutRuns } from '../../src/temporal/payout-runs';
import type { PayoutRuns, PayoutRunsOptions } from '../../src/temporal/payout-runs';
import { registerSearchAttributes } from '../../src/temporal/search-attributes';
import { temporalAddress, uniqueName } from '../helpers/temporal-server';

const prefix = uniqueName('runs');
const converter = createDataConverter([{ id: 'k1', key: randomBytes(32) }]);
const clientOf = (address: string): Client =>
  createTemporalClient({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default', TEMPORAL_TLS: false }, converter);

let client: Client;
const applied: string[] = [];
const known = new Map<string, PayoutStart>();

function newRuns(options: Partial<PayoutRunsOptions> = {}): PayoutRuns {
  return createPayoutRuns({
    client,
    taskQueuePrefix: prefix,
    webhookRetryForMs: 1_000,
    findPayoutStart: (payoutId) => Promise.resolve(known.get(payoutId) ?? null),
    findBulk: () => Promise.resolve(null),
    markCallbackApplied: (callbackId) => Promise.resolve(void applied.push(callbackId)),
    ...options,
  });
}

function newPayout(): PayoutStart {
  const payout: PayoutStart = {
    id: newId('po'),
    merchantId: 'mer_1',
    environment: 'sandbox',
    state: 'queued',
    method: 'orange_sn',
    provider: 'orange',
  };
  known.set(payout.id, payout);
  return payout;
}

beforeAll(async () => {
  client = clientOf(temporalAddress());
  await registerSearchAttributes(client);
});
afterAll(async () => {
  for (const id of known.keys()) {
    await client.workflow
      .getHandle(`payout/${id}`)
      .terminate()
      .catch(() => undefined);
  }
  await client.connection.close();
});

async function signalsOf(payoutId: string): Promise<(string | null | undefined)[]> {
  const { events } = await client.workflow.getHandle(`payout/${payoutId}`).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal ? [signal.signalName] : [],
  );
}

test('a run is started under the id of its payout, once, and shows ids and closed words only', async () => {
  const runs = newRuns();
  const payout = newPayout();
  await runs.start(payout);
  const first = await client.workflow.getHandle(`payout/${payout.id}`).describe();
  await runs.start(payout);
  await runs.ensure(payout.id, { nudge: false });
  const again = await client.workflow.getHandle(`payout/${payout.id}`).describe();
  expect(again.runId).toBe(first.runId);
  expect([first.type, first.taskQueue]).toEqual(['payoutWorkflow', `${prefix}-workflows`]);
  expect(await first.staticSummary()).toBe('orange_sn payout');
  expect(first.raw.workflowExecutionInfo?.searchAttributes?.indexedFields).toMatchObject({
    CauriMerchant: expect.anything(),
    CauriEnvironment: expect.anything(),
    CauriStatus: expect.anything(),
    CauriMethod: expect.anything(),
    CauriProvider: expect.anything(),
  });
});

test('a nudge starts the run that is gone, and is heard by the one that is there', async () => {
  const runs = newRuns();
  const payout = newPayout();
  await runs.ensure(payout.id, { nudge: true });
  await runs.signalChanged(payout.id);
  expect(await signalsOf(payout.id)).toEqual(['payoutChanged', 'payoutChanged']);
  await runs.ensure('po_of_nobody', { nudge: true });
});

test('a callback counts as applied once its run has heard of it, and not before', async () => {
  const runs = newRuns();
  const payout = newPayout();
  await expect(runs.signalReported(payout.id, 'cb_early')).rejects.toThrow();
  await runs.start(payout);
  await runs.signalReported(payout.id, 'cb_heard');
  expect(applied).toEqual(['cb_heard']);
  expect(await signalsOf(payout.id)).toEqual(['providerReported']);
});

test('a run that no worker carries, or that is none, shows no progress', async () => {
  const runs = newRuns();
  const payout = newPayout();
  expect(await runs.progress(payout.id)).toBeNull();
  await runs.start(payout);
  expect(await runs.progress(payout.id)).toBeNull();
});

test('with the engine away starts fail, and questions are answered as not known', async () => {
  const away = clientOf('127.0.0.1:9');
  const runs = newRuns({ client: away });
  const payout = newPayout();
  const [start, progress, balance, check] = await Promise.all([
    runs.start(payout).then(
      () => 'started',
      () => 'failed',
    ),
    runs.progress(payout.id),
    runs.providerBalance('cred_1', 'orange'),
    runs.checkRetry({ payoutId: payout.id, provider: 'orange', after: 0n }),
  ]);
  expect([start, progress, balance, check]).toEqual(['failed', null, null, undefined]);
  await away.connection.close();
});
