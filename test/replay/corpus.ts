import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { appendToManifest, MANIFEST, readManifest, writeManifest } from './manifest';
import type { NamedHistory } from './manifest';

export const HISTORIES = path.join(__dirname, 'histories');

/** What the corpus shows of real runs; each has one history or more, numbered as the workflow changed. */
export const RECORDINGS = [
  'success-at-once',
  'pending-then-success',
  'reported-while-pending',
  'refused',
  'lost-answer-found',
  'lost-answer-to-review',
  'scheduled',
  'cancelled-by-merchant',
  'cancelled-by-run',
  'key-roll',
  'token-refused',
  'refused-for-want-of-float',
  'refused-for-the-rate',
  'wrong-pin-parked-and-resumed',
  'killed-worker',
  'terminated',
  'taken-up-again',
  'retried',
  'retry-check',
  // Nothing starts it any more: its history stays.
  'watch',
  'late-settlement-check',
  'provider-balance',
  'webhook-handed-over',
  'polled-at-once',
  'bulk-completed',
  'bulk-scheduled',
  'bulk-awaiting-float',
  'bulk-paused-and-resumed',
  'bulk-cancelled',
  'bulk-continued-as-new',
  'bulk-retried',
  'bulk-webhooks-drained',
] as const;

export type Recording = (typeof RECORDINGS)[number];

export interface RecordedHistory extends NamedHistory {
  recording: string;
  workflowId: string;
  /** As `Worker.runReplayHistory` takes it. */
  json: object;
}

/** All histories that are there, in the order of their names. */
export function readHistories(): readonly RecordedHistory[] {
  if (!existsSync(HISTORIES)) return [];
  const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.json') && file !== MANIFEST);
  return files.toSorted().map((file) => {
    const text = readFileSync(path.join(HISTORIES, file), 'utf8');
    const json = JSON.parse(text) as {
      events: { workflowExecutionStartedEventAttributes?: { workflowId?: string } }[];
    };
    const workflowId = json.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
    if (workflowId === undefined) throw new Error(`${file} does not begin with the start of a workflow`);
    return { file, recording: file.replace(/\.\d+\.json$/, ''), workflowId, json, hash: hashOf(text) };
  });
}

/** Adds a history under the next free number and its line to the manifest; what is there is never changed. */
export function addHistory(recording: Recording, text: string): string {
  const manifest = readManifest(HISTORIES);
  const taken = manifest.filter(({ file }) => file.startsWith(`${recording}.`));
  const file = `${recording}.${taken.length + 1}.json`;
  writeFileSync(path.join(HISTORIES, file), `${text}\n`, { flag: 'wx' });
  writeManifest(HISTORIES, appendToManifest(manifest, { file, hash: hashOf(text) }));
  return file;
}

function hashOf(text: string): string {
  return createHash('sha256')
    .update(JSON.stringify(JSON.parse(text)))
    .digest('hex');
}
