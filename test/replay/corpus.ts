import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const DIRECTORY = path.join(__dirname, 'histories');
const MANIFEST = path.join(DIRECTORY, 'manifest.json');

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
  'watch',
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

export interface RecordedHistory {
  file: string;
  recording: string;
  workflowId: string;
  /** As `Worker.runReplayHistory` takes it. */
  json: object;
  /** SHA-256 of what it says, however it is laid out. */
  hash: string;
}

/** All histories that are there, in the order of their names. */
export function readHistories(): readonly RecordedHistory[] {
  if (!existsSync(DIRECTORY)) return [];
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json') && file !== path.basename(MANIFEST));
  return files.toSorted().map((file) => {
    const text = readFileSync(path.join(DIRECTORY, file), 'utf8');
    const json = JSON.parse(text) as {
      events: { workflowExecutionStartedEventAttributes?: { workflowId?: string } }[];
    };
    const workflowId = json.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
    if (workflowId === undefined) throw new Error(`${file} does not begin with the start of a workflow`);
    return { file, recording: file.replace(/\.\d+\.json$/, ''), workflowId, json, hash: hashOf(text) };
  });
}

/** The hashes of the histories by file name, as they were when they were recorded. */
export function readManifest(): Readonly<Record<string, string>> {
  return existsSync(MANIFEST) ? (JSON.parse(readFileSync(MANIFEST, 'utf8')) as Record<string, string>) : {};
}

/** Adds a history under the next free number and names it in the manifest; what is there is never changed. */
export function addHistory(recording: Recording, text: string): string {
  const manifest = readManifest();
  const taken = Object.keys(manifest).filter((file) => file.startsWith(`${recording}.`));
  const file = `${recording}.${taken.length + 1}.json`;
  writeFileSync(path.join(DIRECTORY, file), `${text}\n`, { flag: 'wx' });
  const next = Object.entries({ ...manifest, [file]: hashOf(text) }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(MANIFEST, `${JSON.stringify(Object.fromEntries(next), null, 2)}\n`);
  return file;
}

function hashOf(text: string): string {
  return createHash('sha256')
    .update(JSON.stringify(JSON.parse(text)))
    .digest('hex');
}
