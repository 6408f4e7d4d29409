import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Webhook } from 'standardwebhooks';

export interface KillReceiver {
  url: string;
  /** `<event id> <type>` of what was heard of a payout, signed by us; each once, however often it came. */
  heard(payoutId: string): readonly string[];
  close(): Promise<void>;
}

/** A merchant's endpoint. Under `/refusing` it refuses each event once. */
export async function startKillReceiver(secret: string): Promise<KillReceiver> {
  const heard = new Map<string, Set<string>>();
  const refused = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const eventId = String(request.headers['webhook-id']);
      if (request.url === '/refusing' && !refused.has(eventId)) {
        refused.add(eventId);
        response.writeHead(500).end();
        return;
      }
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const body = new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers) as {
        type: string;
        data: { id: string; state: string };
      };
      const events = heard.get(body.data.id) ?? new Set();
      // Its state is the event's own, whenever it is sent.
      events.add(`${eventId} ${body.type === `payout.${body.data.state}` ? body.type : 'contradicts itself'}`);
      heard.set(body.data.id, events);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: (payoutId) => [...(heard.get(payoutId) ?? [])],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
