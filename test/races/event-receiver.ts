import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** What an endpoint heard of one event. */
export interface HeardEvent {
  /** Different bodies that came under its id. */
  bodies: Set<string>;
  /** Statuses that were answered, in order. */
  answers: number[];
  /** The most requests of it that were open at once. */
  mostAtOnce: number;
}

export interface EventReceiver {
  url: string;
  /** By `webhook-id`. */
  heard: ReadonlyMap<string, HeardEvent>;
  /** Says how the next requests are answered, from the payout that they are of. */
  plan(answer: (payoutId: string, tries: number) => { status: number; afterMs: number }): void;
  close(): Promise<void>;
}

/** A merchant's endpoint that counts what comes to it beside what it is still answering. */
export async function startEventReceiver(): Promise<EventReceiver> {
  const heard = new Map<string, HeardEvent & { open: number }>();
  let plan: Parameters<EventReceiver['plan']>[0] = () => ({ status: 204, afterMs: 0 });
  const server = createServer((request, response) => {
    void (async () => {
      const id = String(request.headers['webhook-id']);
      const event = heard.get(id) ?? { bodies: new Set(), answers: [], mostAtOnce: 0, open: 0 };
      heard.set(id, event);
      event.open += 1;
      event.mostAtOnce = Math.max(event.mostAtOnce, event.open);
      const body = await text(request);
      event.bodies.add(body);
      const payoutId = (JSON.parse(body) as { data: { id: string } }).data.id;
      const { status, afterMs } = plan(payoutId, event.answers.length);
      await sleep(afterMs);
      event.answers.push(status);
      event.open -= 1;
      response.writeHead(status).end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    plan: (answer) => void (plan = answer),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
