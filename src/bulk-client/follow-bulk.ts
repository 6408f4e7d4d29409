import type { BulkApi } from './api';
import type { BulkView } from './api-views';
import { progressBar, progressWords } from './progress-line';
import type { Screen } from './screen';
import { stateWords } from './state-words';
import { watchBulk } from './watch-bulk';

/** Shows how a bulk goes until it is at rest, or until no line moved for `giveUpAfterMs`; returns how it stands then. */
export async function followBulk(
  bulkId: string,
  { api, screen, signal, giveUpAfterMs }: { api: BulkApi; screen: Screen; signal: AbortSignal; giveUpAfterMs: number },
): Promise<{ bulk: BulkView; isStalled: boolean }> {
  let isStalled = false;
  let last: BulkView | null = null;
  let lastTold: string | null = null;
  for await (const news of watchBulk(api, bulkId, { signal, giveUpAfterMs })) {
    switch (news.kind) {
      case 'away':
        screen.say(`No word from the API (${news.why}). The bulk goes on without it; asking again.`);
        break;
      case 'back':
        screen.say('The API is back.');
        break;
      case 'stalled':
        isStalled = true;
        break;
      case 'bulk': {
        const told = stateWords(news.bulk, api.url);
        if (told !== null && told !== lastTold) screen.say(told);
        lastTold = told;
        screen.show({ bar: progressBar(news.bulk), words: progressWords(news.bulk) });
        last = news.bulk;
        break;
      }
      default:
        news satisfies never;
    }
  }
  screen.close();
  if (last === null) throw new Error('the watching ended without a state');
  return { bulk: last, isStalled };
}
