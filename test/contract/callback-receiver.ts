import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { RawCallback } from '../../src/domain/callback';

export interface CallbackReceiver {
  url: string;
  /** Callbacks to this path, in the order in which they came. */
  received(path: string): readonly RawCallback[];
  close(): Promise<void>;
}

/** Starts a server that keeps every callback as it came and answers 202. */
export async function startCallbackReceiver(): Promise<CallbackReceiver> {
  const byPath = new Map<string, RawCallback[]>();
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join() : value]),
      );
      const path = request.url ?? '';
      byPath.set(path, [...(byPath.get(path) ?? []), { body, headers, receivedAt: new Date() }]);
      response.writeHead(202).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: (path) => byPath.get(path) ?? [],
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
