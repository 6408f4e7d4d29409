import path from 'node:path';

import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import type { WorkflowBundle } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { pino } from 'pino';

import { createDataConverter, FAILURE_CONVERTER_PATH } from '../../src/temporal/data-converter';
import { installRuntimeLogger } from '../../src/temporal/runtime';
import { REPLAY_MASTER_KEYS } from '../helpers/replay-keys';
import { HISTORIES, readHistories, RECORDINGS } from './corpus';
import type { RecordedHistory } from './corpus';
import { findFaults, findLost, readEarlierManifests, readManifest } from './manifest';

installRuntimeLogger(pino({ level: process.env['TEST_LOG'] ?? 'silent' }));

const PRESENT = path.join(__dirname, '..', '..', 'src', 'workflows', 'index.ts');
const CHANGED = path.join(__dirname, 'changed-workflow.ts');
const PATCHED = path.join(__dirname, 'patched-workflow.ts');

const dataConverter = createDataConverter(REPLAY_MASTER_KEYS);
const histories = readHistories();
const manifest = readManifest(HISTORIES);
const earlier = readEarlierManifests(HISTORIES);
const payouts = histories.filter(({ workflowId }) => workflowId.startsWith('payout/'));

function bundle(workflowsPath: string): Promise<WorkflowBundle> {
  const logger = new DefaultLogger('ERROR');
  return bundleWorkflowCode({ workflowsPath, failureConverterPath: FAILURE_CONVERTER_PATH, logger });
}

async function replay(workflowBundle: WorkflowBundle, { json, workflowId }: RecordedHistory): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle, dataConverter }, json, workflowId);
}

describe('the recorded histories', () => {
  test('are as they were recorded, none missing and none beside the manifest', () => {
    expect(findFaults(manifest, histories)).toEqual([]);
  });

  (earlier === null ? test.skip : test)('are all there that an earlier commit names', () => {
    expect(findLost(manifest, earlier ?? [])).toEqual([]);
  });

  test('show every kind of run that the corpus is to show', () => {
    expect(new Set(histories.map(({ recording }) => recording))).toEqual(new Set(RECORDINGS));
  });

  describe('on the present workflow code', () => {
    let present: WorkflowBundle;

    beforeAll(async () => {
      present = await bundle(PRESENT);
    });

    test.each(histories)('$file is replayed to the same commands', async (history) => {
      await expect(replay(present, history)).resolves.toBeUndefined();
    });
  });

  test('are refused by a workflow whose commands changed', async () => {
    const changed = await bundle(CHANGED);
    for (const history of payouts) {
      await expect(replay(changed, history)).rejects.toThrow(DeterminismViolationError);
    }
  });

  test('are accepted by one that was changed in the same way behind a patch', async () => {
    const patched = await bundle(PATCHED);
    for (const history of payouts) await expect(replay(patched, history)).resolves.toBeUndefined();
  });
});
