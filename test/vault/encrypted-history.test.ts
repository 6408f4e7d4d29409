import { randomBytes } from 'node:crypto';
import path from 'node:path';

import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import type { DataConverter } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { pino } from 'pino';

import { createDataConverter, FAILURE_CONVERTER_PATH } from '../../src/temporal/data-converter';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { temporalAddress, uniqueName } from '../helpers/temporal-server';

const quiet = new DefaultLogger('WARN', () => undefined);

const CANARY = 'canary-92715-canary';
const workflowsPath = path.join(__dirname, 'canary-workflow.ts');

// Failures are what this test is about: the SDK's warnings of them say nothing new.
installRuntimeLogger(pino({ level: 'silent' }));

/** The whole history as text, with everything that is base64 in it read too. */
function legible(history: string): string {
  const decoded = [...history.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString('latin1'),
  );
  return [history, ...decoded].join('\n');
}

describe('a history in the store of the engine', () => {
  let connection: Connection;
  let native: NativeConnection;
  const bundles: Partial<Record<'whole' | 'withoutFailures', WorkflowBundleWithSourceMap>> = {};

  beforeAll(async () => {
    connection = await Connection.connect({ address: temporalAddress() });
    native = await NativeConnection.connect({ address: temporalAddress() });
    bundles.whole = await bundleWorkflowCode({
      workflowsPath,
      failureConverterPath: FAILURE_CONVERTER_PATH,
      logger: quiet,
    });
    bundles.withoutFailures = await bundleWorkflowCode({ workflowsPath, logger: quiet });
  });
  afterAll(async () => {
    await connection.close();
    await native.close();
  });

  async function runToFailure(
    bundle: WorkflowBundleWithSourceMap | undefined,
    dataConverter?: DataConverter,
  ): Promise<{ history: string; error: WorkflowFailedError }> {
    const taskQueue = uniqueName('canary');
    const worker = await Worker.create({
      connection: native,
      taskQueue,
      workflowBundle: bundle!,
      ...(dataConverter ? { dataConverter } : {}),
      activities: {
        failWithCanary: (canary: string): Promise<void> =>
          Promise.reject(new Error(`the activity failed on ${canary}`)),
      },
    });
    const client = new Client({ connection, ...(dataConverter ? { dataConverter } : {}) });
    return await worker.runUntil(async () => {
      const handle = await client.workflow.start('canaryWorkflow', {
        taskQueue,
        workflowId: taskQueue,
        args: [CANARY],
        memo: { note: CANARY },
        staticSummary: CANARY,
      });
      const error: unknown = await handle.result().catch((reason: unknown) => reason);
      return { history: legible(historyToJSON(await handle.fetchHistory())), error: error as WorkflowFailedError };
    });
  }

  const encrypted = createDataConverter([{ id: 'k1', key: randomBytes(32) }]);

  test('shows no argument, memo, summary, detail, failure message or stack trace', async () => {
    const { history, error } = await runToFailure(bundles.whole, encrypted);
    expect(history).not.toContain(CANARY);
    expect(history).not.toContain('canary-workflow.ts');
    expect(history).toContain('Encoded failure');
    // Whoever has the key reads all of it.
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error.cause as ApplicationFailure).message).toBe(`the workflow failed on ${CANARY}`);
    expect((error.cause as ApplicationFailure).details).toEqual([CANARY]);
  });

  test('would be found readable by this test where the codec is off', async () => {
    const { history } = await runToFailure(bundles.whole);
    expect(history).toContain(CANARY);
  });

  test('would show the failure where the bundle lacks the failure converter', async () => {
    const { history } = await runToFailure(bundles.withoutFailures, encrypted);
    expect(history).toContain(`the workflow failed on ${CANARY}`);
  });
});
