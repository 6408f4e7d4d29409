import { setTimeout as sleep } from 'node:timers/promises';

import { isRestingBulk } from '../domain/bulk-state';
import type { BulkState } from '../domain/bulk-state';
import type { BulkApi } from './api';
import type { BulkView } from './api-views';
import { mayPass, troubleWords } from './insist';

/** What one who watches hears: how the bulk stands, and whether anybody is there to tell. */
export type BulkNews =
  { kind: 'bulk'; bulk: BulkView } | { kind: 'stalled' } | { kind: 'away'; why: string } | { kind: 'back' };

const FIRST_GAP_MS = 1_000;
const MAX_GAP_MS = 5_000;
const GROWTH = 1.25;

/**
 * Tells how a bulk stands until it is at rest, that state included, or until no line moved for `giveUpAfterMs`. An API that goes away is news, not an end: the bulk
 * does not need it. Throws `ApiRefusal` where the API knows no such bulk.
 */
export async function* watchBulk(
  api: Pick<BulkApi, 'read'>,
  bulkId: string,
  { signal, giveUpAfterMs }: { signal: AbortSignal; giveUpAfterMs: number },
): AsyncGenerator<BulkNews, void> {
  let isAway = false;
  let seen = '';
  let movedAt = performance.now();
  for (let gapMs = FIRST_GAP_MS; ; gapMs = Math.min(gapMs * GROWTH, MAX_GAP_MS)) {
    const news = await ask();
    if (news.kind === 'away' && !isAway) yield news;
    if (news.kind === 'bulk') {
      if (isAway) yield { kind: 'back' };
      yield news;
      if (isRestingBulk(news.bulk.state as BulkState)) return;
      const { state, progress, scheduled_at: at } = news.bulk;
      const now = JSON.stringify([state, progress]);
      const isBeforeItsTime = state === 'scheduled' && at !== null && Date.parse(at) > Date.now();
      if (now !== seen || isBeforeItsTime) movedAt = performance.now();
      seen = now;
      if (performance.now() - movedAt >= giveUpAfterMs) {
        yield { kind: 'stalled' };
        return;
      }
    }
    isAway = news.kind === 'away';
    await sleep(gapMs, undefined, { signal });
  }

  async function ask(): Promise<Exclude<BulkNews, { kind: 'back' | 'stalled' }>> {
    try {
      return { kind: 'bulk', bulk: await api.read(bulkId) };
    } catch (error) {
      if (!mayPass(error)) throw error;
      return { kind: 'away', why: troubleWords(error) };
    }
  }
}
