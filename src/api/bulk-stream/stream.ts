import { Readable } from 'node:stream';

import { newsSince, serializePosition } from './news';
import type { StreamEvent, StreamPosition } from './news';
import type { BulkReading } from './reading';
import type { BulkWatches } from './watches';

/** Milliseconds of silence after which a comment shows proxies and clients that the stream lives. */
const KEEP_ALIVE_MS = 15_000;

/** Milliseconds between two looks at whether the client may still watch. */
const CHECK_EVERY_MS = 2_000;

/** Milliseconds that a client waits before it connects again. */
const RETRY_MS = 2_000;

/**
 * A bulk's server-sent events for one client, from what it was told last. Ends after `end`, and without one where this process
 * stops. A client that does not read is told less often, never less: what it missed is the difference to what it was told.
 */
export function createBulkStream(
  watches: BulkWatches,
  {
    bulkId,
    position: from,
    mayWatch,
  }: { bulkId: string; position: StreamPosition | null; mayWatch: () => Promise<boolean> },
): Readable {
  let position = from;
  let isOver = false;
  let spokeAt = Date.now();
  let leave: (() => void) | null = null;

  const stream = new Readable({
    // News come when there are any.
    read: () => undefined,
    destroy(error, callback) {
      clearInterval(checks);
      leave?.();
      callback(error);
    },
  });
  const say = (text: string): void => {
    spokeAt = Date.now();
    stream.push(text);
  };
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(checks);
    leave?.();
    stream.push(null);
  };

  const tell = (reading: BulkReading | null): void => {
    if (isOver || stream.readableLength >= stream.readableHighWaterMark) return;
    const news = reading ? newsSince(position, reading) : [];
    for (const event of news) position = event.position;
    if (news.length > 0) say(news.map(serializeEvent).join(''));
    else if (Date.now() - spokeAt >= KEEP_ALIVE_MS) say(':\n\n');
    if (reading?.isAtRest) end();
  };

  const checks = setInterval(() => {
    // While the database does not answer nobody is told anything: the next look decides.
    void mayWatch().then(
      (may) => {
        if (!may) end();
      },
      () => undefined,
    );
  }, CHECK_EVERY_MS);

  say(`retry: ${RETRY_MS}\n\n`);
  leave = watches.watch(bulkId, { tell, stop: end });
  return stream;
}

function serializeEvent({ event, position, data }: StreamEvent): string {
  return `event: ${event}\nid: ${serializePosition(position)}\ndata: ${data}\n\n`;
}
