import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';

import type { Activities } from '../../src/activities/activities';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { startWorkers } from '../../src/temporal/worker';
import { SEARCH_ATTRIBUTES, workflowTaskQueue } from '../../src/workflows/contract';
import { createTimeSkippingEnvironment, uniqueName } from '../helpers/temporal-server';

installRuntimeLogger(pino({ level: process.env['TEST_LOG'] ?? 'silent' }));

const WORKFLOWS = path.join(__dirname, '..', '..', 'src', 'workflows', 'index.ts');

const ACTIVITY_NAMES = Object.keys({
  takeUp: 0,
  readPayout: 0,
  authenticate: 0,
  encryptPin: 0,
  submitPayout: 0,
  recoverAttempt: 0,
  releaseScheduled: 0,
  endSettlementWindow: 0,
  cancelFromRun: 0,
  pollStatus: 0,
  pollAtOnce: 0,
  lookUpPayout: 0,
  watchPayout: 0,
  checkLateSettlements: 0,
  checkRetry: 0,
  fetchProviderBalance: 0,
  deliverPayoutWebhooks: 0,
  deliverWebhook: 0,
  giveUpWebhook: 0,
  readBulk: 0,
  startBulk: 0,
  carryLines: 0,
  followBulk: 0,
  retryFailedLines: 0,
  drainWebhooks: 0,
} satisfies Record<keyof Activities, 0>) as (keyof Activities)[];

type ActivityInput = string | { payoutId?: string; eventId?: string };

export interface ActivityCall {
  name: keyof Activities;
  input: unknown;
}

export interface ScriptedRun<Result> {
  id: string;
  handle: WorkflowHandleWithFirstExecutionRunId;
  /** Every call of an activity, attempts of the engine's retries included, in the order in which they began. */
  calls: readonly ActivityCall[];
  names(): readonly (keyof Activities)[];
  /** Waits, in real time and without skipping any, until an activity was called this often. */
  untilCalled(name: keyof Activities, times?: number): Promise<void>;
  /** The result; the server skips time while it is waited for. */
  result(): Promise<Result>;
  /** Time from the start of the newest run to its end as the workflow sees it, in milliseconds. */
  workflowMs(): Promise<number>;
}

/**
 * The real workflows on a server that skips time, with stand-ins for the activities: each test scripts those that its
 * own run may call, and any other call ends the run.
 */
export interface SkippingWorld {
  start<Result>(
    workflow: string,
    id: string,
    args: unknown[],
    script: Partial<Activities>,
  ): Promise<ScriptedRun<Result>>;
  close(): Promise<void>;
}

export async function createSkippingWorld(): Promise<SkippingWorld> {
  const env = await createTimeSkippingEnvironment();
  const keyword = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, keyword])),
  });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') });
  const scripts = new Map<string, { script: Partial<Activities>; calls: ActivityCall[] }>();
  const taskQueuePrefix = uniqueName('skip');

  async function call(name: keyof Activities, input: ActivityInput): Promise<unknown> {
    const id = typeof input === 'string' ? input : (input.payoutId ?? input.eventId ?? '');
    const run = scripts.get(id);
    const stand = run?.script[name] as ((given: unknown) => Promise<unknown>) | undefined;
    if (!run || !stand) throw ApplicationFailure.nonRetryable(`${name} was not expected`);
    run.calls.push({ name, input });
    return await stand(input);
  }

  const workers = await startWorkers({
    connect: () => NativeConnection.connect({ address: env.address }),
    namespace: 'default',
    taskQueuePrefix,
    dataConverter: {},
    activities: Object.fromEntries(ACTIVITY_NAMES.map((name) => [name, (input: ActivityInput) => call(name, input)])),
    shutdownGraceMs: 100,
    workflows: { workflowBundle },
  });

  return {
    async start<Result>(workflow: string, id: string, args: unknown[], script: Partial<Activities>) {
      const calls: ActivityCall[] = [];
      scripts.set(id, { script, calls });
      const handle = await env.client.workflow.start(workflow, {
        taskQueue: workflowTaskQueue(taskQueuePrefix),
        workflowId: id,
        args,
      });
      return {
        id,
        handle,
        calls,
        names: () => calls.map(({ name }) => name),
        async untilCalled(name, times = 1) {
          for (const until = Date.now() + 30_000; Date.now() < until;) {
            if (calls.filter((entry) => entry.name === name).length >= times) return;
            await sleep(10);
          }
          throw new Error(`${name} was not called ${times} times, but: ${calls.map((entry) => entry.name).join()}`);
        },
        result: () => handle.result() as Promise<Result>,
        async workflowMs() {
          const { startTime, closeTime } = await env.client.workflow.getHandle(id).describe();
          return (closeTime?.getTime() ?? Number.NaN) - startTime.getTime();
        },
      } satisfies ScriptedRun<Result>;
    },

    async close() {
      try {
        await workers.close();
      } finally {
        // A server that is left running keeps the process alive.
        await env.teardown();
      }
    },
  };
}

/** A stand-in that gives these answers one after the other, the last one ever again; an error is thrown. */
export function inTurn<Answer>(...answers: (Answer | Error)[]): () => Promise<Answer> {
  let turn = 0;
  return () => {
    const answer = answers[Math.min(turn, answers.length - 1)] as Answer | Error;
    turn += 1;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
}

/** A stand-in that fails this often and then answers. */
export function afterFailures<Answer>(times: number, failure: () => Error, answer: Answer): () => Promise<Answer> {
  let failed = 0;
  return () => {
    if (failed === times) return Promise.resolve(answer);
    failed += 1;
    return Promise.reject(failure());
  };
}
