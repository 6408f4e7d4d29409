import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

import TestSequencer from '@jest/test-sequencer';

/**
 * Test files that take half a minute and more, most of it waiting, slowest first. Jest knows that from its cache only: a
 * fresh clone would begin with the longest text, and wait at the end for one of these alone.
 */
const SLOW = [
  'races/decision-and-news',
  'payouts/every-scenario',
  'bulks/native',
  'bulks/request-limit',
  'start/start',
  'restore/restored-bulk',
  'bulks/client',
  'contract/orange',
  'bulks/run',
  'e2e/system',
  'replay/replay',
  'unit/bulk-intake/streaming',
  'bulks/retry-failed',
  'bulks/approval',
  'payouts/resend',
  'api/bulk-stream',
  'workflows/payout',
  'races/cancel-and-submit',
  'races/redelivery',
  'races/one-renewal',
  'bulks/last-look',
  'races/replaced-pin',
  'start/supervisor',
  'bulks/webhooks',
  'bulks/decided-lines',
];

const ranks = new Map(SLOW.map((name, rank) => [`${name}.test.ts`, rank]));
for (const name of ranks.keys()) {
  if (!existsSync(join(import.meta.dirname, name)))
    throw new Error(`test/slow-first.mjs names test/${name}: there is none`);
}

export default class SlowFirst extends TestSequencer {
  sort(tests) {
    const rankOf = ({ path }) => ranks.get(relative(import.meta.dirname, path)) ?? SLOW.length;
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
