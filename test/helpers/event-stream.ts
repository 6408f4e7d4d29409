import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { eventually } from './eventually';

export interface ServerSentEvent {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

/** A client of one stream of server-sent events. */
export interface EventStream {
  status: number;
  headers: IncomingMessage['headers'];
  /** All that came so far. */
  events: ServerSentEvent[];
  /** Comments that came so far. */
  comments(): number;
  /** How it ended; null while it is open. */
  ending(): 'complete' | 'cut' | null;
  /** Waits for so many events of all that came. */
  until(count: number): Promise<ServerSentEvent[]>;
  leave(): void;
}

/** By a connection of its own. */
export async function openEventStream(
  url: string,
  { key, lastEventId }: { key: string; lastEventId?: string },
): Promise<EventStream> {
  const events: ServerSentEvent[] = [];
  let comments = 0;
  let ending: 'complete' | 'cut' | null = null;
  const outgoing = request(url, {
    agent: false,
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject).end();
  });
  outgoing.on('error', () => undefined);
  answer.on('error', () => undefined);
  answer.once('close', () => (ending = answer.complete ? 'complete' : 'cut'));
  let rest = '';
  answer.setEncoding('utf8').on('data', (text: string) => {
    const blocks = `${rest}${text}`.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith(':')) comments += 1;
      else if (block.startsWith('event: ')) events.push(parseEvent(block));
    }
  });
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events,
    comments: () => comments,
    ending: () => ending,
    until: (count) => eventually(`${count} events`, () => events.length >= count && events),
    leave: () => outgoing.destroy(),
  };
}

function parseEvent(block: string): ServerSentEvent {
  const [, event = '', id = '', data = ''] = /^event: (\w+)\nid: ([\w.]+)\ndata: (.*)$/.exec(block) ?? [];
  return { event, id, data: JSON.parse(data) as Record<string, unknown> };
}
