import { hostname } from 'node:os';

import { historyToJSON } from '@temporalio/common/lib/proto-utils';

import type { PayoutWorld } from '../helpers/payout-world';
import { addHistory, RECORDINGS } from './corpus';
import type { Recording } from './corpus';

/**
 * Records real runs into the corpus: `RECORD_HISTORIES=1 npm test -- test/replay/record`, after a change of the
 * workflow that the corpus does not show yet; `RECORD_HISTORIES=retried,terminated` records these kinds only. Adds files
 * only; what was recorded once is replayed for ever.
 */
const asked = process.env['RECORD_HISTORIES'] ?? '';
const wanted: readonly string[] = asked === '1' ? RECORDINGS : asked.split(',');
export const describeRecording = asked === '' ? describe.skip : describe;

/** A test of the recordings that it makes; skipped where none of them was asked for. */
export function recordingTest(recordings: readonly Recording[], work: () => Promise<void>): void {
  (recordings.some((name) => wanted.includes(name)) ? test : test.skip)(recordings.join(', '), work);
}

export async function record(
  world: Pick<PayoutWorld, 'client'>,
  recording: Recording,
  workflowId: string,
  runId?: string,
): Promise<void> {
  if (!wanted.includes(recording)) return;
  const handle = world.client.workflow.getHandle(workflowId, runId);
  await handle.result().catch(() => undefined);
  const text = historyToJSON(await handle.fetchHistory());
  // Who recorded it is nobody's business, and no part of what is replayed.
  const nameless = text.replaceAll(/"\d+@[^"]*"/g, '"recorder"');
  expect(nameless).not.toContain(`@${hostname()}`);
  addHistory(recording, nameless);
}
