import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';

import type { WebhookActivities } from '../../src/activities/webhooks';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { WEBHOOK_WORKFLOW, webhookWorkflowId } from '../../src/workflows/contract';
import type { WebhookInput } from '../../src/workflows/webhook';
import { createTimeSkippingEnvironment, uniqueName } from '../helpers/temporal-server';

const HOUR_MS = 3_600_000;

// Failures are what this test is about: the SDK's warnings of them say nothing new.
installRuntimeLogger(pino({ level: 'silent' }));

describe('the webhook workflow', () => {
  let environment: TestWorkflowEnvironment;
  let workflowBundle: WorkflowBundleWithSourceMap;
  beforeAll(async () => {
    environment = await createTimeSkippingEnvironment();
    workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('../../src/workflows/webhook'),
      logger: new DefaultLogger('WARN', () => undefined),
    });
  });
  afterAll(() => environment.teardown());

  interface Run {
    result: unknown;
    /** Workflow time of each attempt, in milliseconds from the first. */
    attempts: number[];
    givenUp: unknown[];
  }

  async function run(
    input: Partial<WebhookInput>,
    deliver: (attempt: number) => Promise<'delivered' | 'given_up'>,
  ): Promise<Run> {
    const taskQueue = uniqueName('webhooks');
    const key = { eventId: uniqueName('evt'), endpointId: 'we_1' };
    const times: number[] = [];
    const givenUp: unknown[] = [];
    const activities: Pick<WebhookActivities, 'deliverWebhook' | 'giveUpWebhook'> = {
      async deliverWebhook(given) {
        expect(given).toEqual(key);
        times.push(await environment.currentTimeMs());
        return await deliver(times.length);
      },
      giveUpWebhook(given) {
        givenUp.push(given);
        return Promise.resolve();
      },
    };
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue,
      workflowBundle,
      activities,
    });
    const result: unknown = await worker.runUntil(
      environment.client.workflow.execute(WEBHOOK_WORKFLOW, {
        taskQueue,
        workflowId: webhookWorkflowId(key.eventId, key.endpointId),
        args: [{ ...key, ...input }],
      }),
    );
    for (const given of givenUp) expect(given).toEqual(key);
    return { result, attempts: times.map((time) => time - times[0]!), givenUp };
  }

  const failing = (): Promise<never> =>
    Promise.reject(ApplicationFailure.create({ type: 'webhook_failed', message: 'refused 500', category: 'BENIGN' }));

  test('ends at the first success', async () => {
    const { result, attempts, givenUp } = await run({}, () => Promise.resolve('delivered'));
    expect(result).toBe('delivered');
    expect(attempts).toHaveLength(1);
    expect(givenUp).toEqual([]);
  });

  test('tries for three days, ever more rarely, and then gives up by name', async () => {
    const { result, attempts, givenUp } = await run({}, failing);
    expect(result).toBe('given_up');
    expect(givenUp).toHaveLength(1);
    const last = attempts.at(-1)!;
    expect(last).toBeGreaterThan(70 * HOUR_MS);
    expect(last).toBeLessThanOrEqual(72 * HOUR_MS);
    const gaps = attempts.slice(1).map((time, index) => time - attempts[index]!);
    expect(gaps[0]).toBeLessThan(60_000);
    expect(Math.max(...gaps)).toBeLessThan(1.1 * HOUR_MS);
    expect(gaps.at(-1)).toBeGreaterThan(0.9 * HOUR_MS);
  });

  test('delivers on the third day to an endpoint that was dead for two', async () => {
    const begun = await environment.currentTimeMs();
    const { result, attempts, givenUp } = await run({}, async () => {
      if ((await environment.currentTimeMs()) - begun < 48 * HOUR_MS) return await failing();
      return 'delivered';
    });
    expect(result).toBe('delivered');
    expect(attempts.length).toBeGreaterThan(40);
    expect(givenUp).toEqual([]);
  });

  test('tries for as long as it is told', async () => {
    const { result, attempts } = await run({ retryForMs: HOUR_MS }, failing);
    expect(result).toBe('given_up');
    expect(attempts.at(-1)).toBeLessThanOrEqual(HOUR_MS);
  });

  test('ends where the endpoint wants no more', async () => {
    const { result, attempts, givenUp } = await run({}, () => Promise.resolve('given_up'));
    expect(result).toBe('given_up');
    expect(attempts).toHaveLength(1);
    expect(givenUp).toEqual([]);
  });
});
