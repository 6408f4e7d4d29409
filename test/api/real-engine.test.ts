import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { encodeToPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { temporal } from '@temporalio/proto';

import { createApiKey } from '../../src/db/api-keys';
import { findBulk } from '../../src/db/bulk-rows';
import { markCallbackApplied } from '../../src/db/callbacks';
import { findPayoutStart } from '../../src/db/payout-search';
import { createPayoutRuns } from '../../src/temporal/payout-runs';
import { payoutWorkflowId } from '../../src/workflows/contract';
import { payoutRequest, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp } from '../helpers/app';
import { currentDetailsOf } from '../helpers/current-details';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

let world: PayoutWorld;
let app: TestApp;
let key: string;
beforeAll(async () => {
  // Asked of by one try of the engine each, with gaps that can be seen.
  world = await createPayoutWorld({
    settings: { pollAtOnceMs: 500, pollLoopMs: 0, poll: { firstMs: 500, maxMs: 3_000 } },
  });
  const { client, pool, taskQueuePrefix } = world;
  const runs = createPayoutRuns({
    client,
    taskQueuePrefix,
    webhookRetryForMs: 60_000,
    findPayoutStart: (payoutId) => findPayoutStart(pool, payoutId),
    findBulk: (bulkId) => findBulk(pool, bulkId),
    markCallbackApplied: (callbackId) => markCallbackApplied(pool, callbackId),
  });
  app = await startTestApp({ pool, sealing: world.vault, runs });
  ({ key } = await createApiKey(pool, {
    role: 'merchant',
    merchantId: world.merchantId,
    environment: 'sandbox',
    subject: { kind: 'system', systemId: 'shop', responsiblePersonId: 'per_shop' },
  }));
  await world.startWorkers();
});
afterAll(async () => {
  await app.close();
  await world.close();
});

async function accept(msisdn: string, changes: Record<string, unknown> = {}): Promise<string> {
  const body = payoutRequest({ recipient: { msisdn }, ...changes });
  const answer = await app.request('POST', '/v1/payouts', { key, idempotencyKey: randomUUID(), body });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

test('a payout goes from HTTP to its end, once', async () => {
  const recipient = world.recipientOf('success');
  const id = await accept(recipient);
  await world.untilState(id, 'succeeded');
  expect(await world.credited(recipient)).toBe(5_000n);
  const { body } = await app.request('GET', `/v1/payouts/${id}`, { key });
  expect(body).toMatchObject({ state: 'succeeded', progress: null });
  const events = await app.request('GET', `/v1/payouts/${id}/events`, { key });
  expect(events.body.data.map(({ to }) => to)).toEqual(await world.states(id));
});

test("the provider's own balance is asked of the provider", async () => {
  const { body } = await app.request('GET', '/v1/balance', { key });
  expect(body).toMatchObject({
    providers: [{ provider: 'orange', balance: { amount: expect.stringMatching(/^\d+$/), currency: 'XOF' } }],
  });
});

test('a check before a retry that somebody else runs under its name answers nothing', async () => {
  const id = await accept(world.recipientOf('rejected'));
  await world.untilState(id, 'failed');
  const forged = await forgeRun(`retry-check/${id}/0`);
  const { runs } = app.deps;
  const checkRetry = runs.checkRetry.bind(runs);
  runs.checkRetry = async (check) => {
    const asked = checkRetry(check);
    // It is joined by now.
    await sleep(2_000);
    await forged.end('clear');
    await asked;
  };
  const retry = (): Promise<ApiAnswer> =>
    app.request('POST', `/v1/payouts/${id}/retry`, {
      key,
      idempotencyKey: randomUUID(),
      body: { expected_attempt: 1 },
    });
  const answer = await retry();
  expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
  expect(await world.payout(id)).toMatchObject({ state: 'failed', attempt: 1 });
  runs.checkRetry = checkRetry;
  expect((await retry()).status).toBe(202);
});

/** Starts a run under an id of ours that no worker of ours carries; `end` gives it a result. */
async function forgeRun(workflowId: string): Promise<{ end: (result: unknown) => Promise<void> }> {
  const { client, taskQueuePrefix } = world;
  const { namespace } = client.options;
  const taskQueue = `${taskQueuePrefix}-forged`;
  await client.workflow.start('retryCheckWorkflow', { workflowId, taskQueue, args: [] });
  const task = await client.withDeadline(Date.now() + 30_000, () =>
    client.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
  );
  return {
    async end(result) {
      const payloads = await encodeToPayloads(client.options.loadedDataConverter, result);
      await client.workflowService.respondWorkflowTaskCompleted({
        namespace,
        taskToken: task.taskToken,
        commands: [
          {
            commandType: temporal.api.enums.v1.CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
            completeWorkflowExecutionCommandAttributes: { result: { payloads: payloads ?? null } },
          },
        ],
      });
    },
  };
}

test('a failed payout is looked up and sent again', async () => {
  const id = await accept(world.recipientOf('rejected'));
  await world.untilState(id, 'failed');
  const answer = await app.request('POST', `/v1/payouts/${id}/retry`, {
    key,
    idempotencyKey: randomUUID(),
    body: { expected_attempt: 1 },
  });
  expect([answer.status, answer.body.attempt]).toEqual([202, 2]);
  await world.untilState(id, 'failed');
  expect((await world.payout(id)).attempt).toBe(2);
  expect(await world.submissions(id)).toHaveLength(2);
  expect((await detailsOf(id)).get("provider's last code")).toBe('REJECTED');
});

interface Progress {
  step: string;
  next_at: string | null;
  attempt: number | null;
}

async function progressOf(id: string): Promise<Progress | null> {
  const { status, body } = await app.request('GET', `/v1/payouts/${id}`, { key });
  expect(status).toBe(200);
  return (body as unknown as { progress: Progress | null }).progress;
}

test('a payout that stays pending shows when it is asked for next, and for which time', async () => {
  const id = await accept(world.recipientOf('never_final'));
  await world.untilState(id, 'pending');
  const isWaiting = (progress: Progress | null): boolean => progress?.step === 'poll' && progress.next_at !== null;
  const first = await eventually('it waits for its next try', async () => {
    const progress = await progressOf(id);
    return isWaiting(progress) && progress;
  });
  expect(first.attempt).toBeGreaterThan(1);
  const later = await eventually('it waits for a later one', async () => {
    const progress = await progressOf(id);
    return isWaiting(progress) && progress?.attempt !== first.attempt && progress;
  });
  expect(later.attempt).toBeGreaterThan(first.attempt ?? 0);
  expect(Date.parse(later.next_at ?? '')).toBeGreaterThan(Date.parse(first.next_at ?? ''));

  await world.client.workflow.getHandle(payoutWorkflowId(id)).terminate('test');
  expect(await progressOf(id)).toBeNull();
});

async function detailsOf(payoutId: string): Promise<ReadonlyMap<string, string>> {
  return await currentDetailsOf(world.client, payoutWorkflowId(payoutId));
}

test('the Temporal UI shows of a payout its amount, its merchant and times', async () => {
  const since = Date.now();
  const id = await accept(world.recipientOf('never_final'));
  await world.untilState(id, 'pending');
  const details = await eventually('it shows that it is pending', async () => {
    const shown = await detailsOf(id);
    return shown.get('state')?.startsWith('**pending**') && shown;
  });
  const { amount, settleBy } = await world.payout(id);
  expect(details.get('amount in minor units')).toBe(`${amount} XOF`);
  expect(details.get('merchant')).toBe(`${world.merchantId}, sandbox`);
  const end = Date.parse(details.get('settlement window ends') ?? '');
  // By the workflow's clock, which stands while a task of it runs: near the database's time, and never a span.
  expect(Math.abs(end - (settleBy?.getTime() ?? 0))).toBeLessThan(60_000);
  const [step, due = ''] = details.get('next step')?.split(', due ') ?? [];
  expect(step).toBe('poll');
  expect(Date.parse(due)).toBeGreaterThan(since - 60_000);
});

test('a payout that waits for its time shows when that is, and no try of it', async () => {
  const scheduledAt = new Date(Date.now() + 3_600_000);
  const id = await accept(world.recipientOf('success'), { scheduled_at: scheduledAt.toISOString() });
  const progress = await eventually('it waits', async () => {
    const shown = await progressOf(id);
    return shown?.next_at != null && shown;
  });
  expect([progress.step, progress.attempt]).toEqual(['wait_for_time', null]);
  const [step, due = ''] = (await detailsOf(id)).get('next step')?.split(', due ') ?? [];
  expect(step).toBe('wait_for_time');
  expect(Math.abs(Date.parse(due) - scheduledAt.getTime())).toBeLessThan(60_000);
});
