import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { DataConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';

import { PROVIDERS } from '../domain/methods';
import { bulkTaskQueue, providerTaskQueue, workflowTaskQueue } from '../workflows/contract';

export interface WorkersOptions {
  /** One connection per worker: two workers on one connection may not share a task queue. */
  connect: () => Promise<NativeConnection>;
  namespace: string;
  taskQueuePrefix: string;
  /** All by default. A bulk keeps a process busy: single payouts that are served by another one do not wait for it. */
  serves?: 'all' | 'payouts' | 'bulks';
  /**
   * Activities of bulks that go on at once. A chunk mostly waits, and so does one that follows lines with runs of their own:
   * merchants have their turn beside them. 300 by default.
   */
  bulkSlots?: number;
  dataConverter: DataConverter;
  activities: object;
  /** Milliseconds that activities get to end when the worker stops. */
  shutdownGraceMs: number;
  /** The code of the workflows: the prebuilt bundle, or a path to bundle from (development and tests). */
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
}

export interface Workers {
  /** Settles when all have stopped; rejects when one breaks. */
  done: Promise<void>;
  /** The state of each worker by its task queue, as the SDK names it. */
  states(): Readonly<Record<string, string>>;
  /** Stops them all; rejects where they did not stop well, 15 s after the grace at the latest. */
  close(): Promise<void>;
}

/** The prebuilt workflow bundle beside the compiled code, or null in a tree that was not built. */
export function prebuiltBundle(distDirectory: string): { codePath: string } | null {
  const codePath = path.join(distDirectory, 'workflow-bundle.js');
  return existsSync(codePath) ? { codePath } : null;
}

/**
 * Starts one worker for workflows and local activities and one for each provider's activities, and one for bulks; or the
 * first ones or the last one alone.
 */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const forceAfterMs = options.shutdownGraceMs + 10_000;
  const common = {
    namespace: options.namespace,
    dataConverter: options.dataConverter,
    activities: options.activities,
    shutdownGraceTime: options.shutdownGraceMs,
    shutdownForceTime: forceAfterMs,
  };
  const connections: NativeConnection[] = [];
  const workers: Worker[] = [];
  const create = async (rest: Partial<WorkerOptions> & { taskQueue: string }): Promise<void> => {
    const connection = await options.connect();
    connections.push(connection);
    workers.push(await Worker.create({ ...common, ...rest, connection }));
  };
  try {
    if (options.serves !== 'bulks') {
      await create({
        taskQueue: workflowTaskQueue(options.taskQueuePrefix),
        ...options.workflows,
        // After a kill a cached workflow waits this long for its old worker, up to 10 s by default.
        stickyQueueScheduleToStartTimeout: '2s',
        // A payout that is polled beside its workflow keeps a workflow task and a local slot for seconds; both only wait.
        maxConcurrentWorkflowTaskExecutions: 200,
        maxConcurrentLocalActivityExecutions: 400,
      });
      for (const provider of PROVIDERS) {
        await create({ taskQueue: providerTaskQueue(options.taskQueuePrefix, provider) });
      }
    }
    if (options.serves !== 'payouts') {
      await create({
        taskQueue: bulkTaskQueue(options.taskQueuePrefix),
        maxConcurrentActivityTaskExecutions: options.bulkSlots ?? 300,
      });
    }
  } catch (error) {
    // A worker that was created but never run keeps the process alive.
    await Promise.all(connections.map((connection) => connection.close()));
    throw error;
  }
  const done = Promise.all(workers.map((worker) => worker.run()))
    .then(() => undefined)
    // Where one worker broke, the others still hold theirs: what is told is why it broke.
    .finally(() => Promise.allSettled(connections.map((connection) => connection.close())));
  const states = (): Record<string, string> =>
    Object.fromEntries(workers.map((worker) => [worker.options.taskQueue, worker.getState()]));
  return {
    done,
    states,
    async close() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      // A worker that gave up still waits for answers of Temporal, for ever where none come.
      const late = new AbortController();
      const gaveUp = sleep(forceAfterMs + 5_000, undefined, { signal: late.signal }).then(() => {
        throw new Error('they still wait for Temporal');
      });
      try {
        await Promise.race([done, gaveUp]);
      } catch (error) {
        // The SDK's own words name what it found last: references to a worker, not why it still had them.
        const why = (error as Error).message;
        throw new Error(`The workers did not stop: ${JSON.stringify(states())}: ${why}`, { cause: error });
      } finally {
        late.abort();
      }
    },
  };
}
