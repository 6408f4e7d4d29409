import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { text } from 'node:stream/consumers';

import { createWebhookLines } from '../../../src/webhooks/send';
import type { Delivery } from '../../../src/webhooks/send';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen<S extends Server | TcpServer>(server: S): Promise<{ server: S; port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function receiver(listener: RequestListener): Promise<string> {
  const { port } = await listen(createServer(listener));
  return `http://127.0.0.1:${port}/hook`;
}

function send(
  url: string,
  options: { timeoutMs?: number; lookup?: (host: string) => Promise<string[]> } = {},
): Promise<Delivery> {
  const lineTo = createWebhookLines({ allowLoopback: true, timeoutMs: 5_000, ...options });
  return lineTo(url)({ body: '{"a":"é"}', headers: { 'webhook-id': 'evt_1' } });
}

describe('sending a webhook', () => {
  test('posts the body as it is, with its headers', async () => {
    let seen: { request: IncomingMessage; body: string } | undefined;
    const url = await receiver((request, response) => {
      void text(request).then((body) => {
        seen = { request, body };
        response.writeHead(204).end();
      });
    });
    expect(await send(url)).toMatchObject({ result: 'delivered', httpStatus: 204 });
    expect(seen?.body).toBe('{"a":"é"}');
    expect(seen?.request.method).toBe('POST');
    expect(seen?.request.url).toBe('/hook');
    expect(seen?.request.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '10',
      'webhook-id': 'evt_1',
    });
  });

  test.each([
    [200, 'delivered'],
    [299, 'delivered'],
    [304, 'refused'],
    [404, 'refused'],
    [410, 'gone'],
    [500, 'refused'],
  ] as const)('an answer of %d means %s', async (status, result) => {
    const url = await receiver((_request, response) => response.writeHead(status).end());
    expect(await send(url)).toMatchObject({ result, httpStatus: status });
  });

  test('follows no redirect', async () => {
    let followed = false;
    const target = await receiver((_request, response) => {
      followed = true;
      response.writeHead(200).end();
    });
    const url = await receiver((_request, response) => response.writeHead(307, { location: target }).end());
    expect(await send(url)).toMatchObject({ result: 'refused', httpStatus: 307 });
    expect(followed).toBe(false);
  });

  test('gives up on an endpoint that never answers', async () => {
    const url = await receiver(() => undefined);
    expect(await send(url, { timeoutMs: 200 })).toMatchObject({ result: 'timeout', httpStatus: null });
  });

  test('gives up on a name that is never resolved', async () => {
    const lookup = (): Promise<never> => new Promise(() => undefined);
    expect(await send('http://hooks.example.test/', { timeoutMs: 200, lookup })).toMatchObject({ result: 'timeout' });
  });

  test('takes the status of an answer whose body stalls', async () => {
    const url = await receiver((_request, response) => response.writeHead(200).write('x'));
    expect(await send(url, { timeoutMs: 3_000 })).toMatchObject({ result: 'delivered', httpStatus: 200 });
  });

  test('cuts an answer that has no end', async () => {
    let written = 0;
    const url = await receiver((_request, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536);
      const pump = (): void => {
        if (response.destroyed) return;
        written += chunk.length;
        response.write(chunk, () => setImmediate(pump));
      };
      pump();
    });
    expect(await send(url, { timeoutMs: 30_000 })).toMatchObject({ result: 'delivered' });
    expect(written).toBeLessThan(50_000_000);
  });

  test('an endpoint that closes without an answer is unreachable', async () => {
    const { port } = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())));
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ result: 'unreachable', httpStatus: null });
  });

  test('connects to the address that was checked, and resolves the name once', async () => {
    let connections = 0;
    const url = new URL(
      await receiver((_request, response) => {
        connections += 1;
        response.writeHead(200).end();
      }),
    );
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let lookups = 0;
    const lookup = (): Promise<string[]> => Promise.resolve(answers[lookups++] ?? []);
    expect(await send(`http://rebinding.example.test:${url.port}/hook`, { lookup })).toMatchObject({
      result: 'delivered',
    });
    expect({ lookups, connections }).toEqual({ lookups: 1, connections: 1 });
  });

  test('a refused address is never connected to', async () => {
    let connections = 0;
    const { port } = await listen(createTcpServer(() => (connections += 1)));
    const lineTo = createWebhookLines({ allowLoopback: false, timeoutMs: 2_000 });
    expect(await lineTo(`https://127.0.0.1:${port}/`)({ body: '{}', headers: {} })).toMatchObject({
      result: 'address_refused',
    });
    expect(connections).toBe(0);
  });

  test('asks for the certificate of the name, though it connects to the address', async () => {
    const hello = new Promise<Buffer>((resolve) => {
      void listen(
        createTcpServer((socket) =>
          socket.once('data', (data) => {
            resolve(data);
            socket.destroy();
          }),
        ),
      ).then(({ port }) =>
        send(`https://hooks.example.test:${port}/`, { lookup: () => Promise.resolve(['127.0.0.1']) }),
      );
    });
    expect((await hello).includes('hooks.example.test')).toBe(true);
  });
});

describe('sending batches of webhooks', () => {
  const lineTo = createWebhookLines({ allowLoopback: true, timeoutMs: 5_000 });
  const message = { body: '{}', headers: {} };

  test('uses connections again, also those of an earlier batch', async () => {
    const ports = new Set<number | undefined>();
    const url = await receiver((request, response) => {
      ports.add(request.socket.remotePort);
      request.resume().on('end', () => response.writeHead(204).end());
    });
    for (const line of [lineTo(url), lineTo(url)]) {
      expect(await line(message)).toMatchObject({ result: 'delivered' });
      expect(await line(message)).toMatchObject({ result: 'delivered' });
    }
    expect(ports.size).toBe(1);
  });

  test('posts once more where the endpoint had given a kept connection up, and only then', async () => {
    let requests = 0;
    const { port } = await listen(
      createTcpServer((socket) => {
        let heard = 0;
        socket.on('error', () => undefined);
        socket.on('data', () => {
          requests += 1;
          heard += 1;
          // Answers the first request of a connection and resets it at the second.
          if (heard === 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
          else socket.resetAndDestroy();
        });
      }),
    );
    const line = lineTo(`http://127.0.0.1:${port}/hook`);
    expect(await line(message)).toMatchObject({ result: 'delivered' });
    expect(await line(message)).toMatchObject({ result: 'delivered' });
    expect(requests).toBe(3);
  });

  test('does not post again where a fresh connection breaks', async () => {
    let requests = 0;
    const { port } = await listen(
      createTcpServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', () => {
            requests += 1;
            socket.resetAndDestroy();
          });
      }),
    );
    expect(await lineTo(`http://127.0.0.1:${port}/hook`)(message)).toMatchObject({ result: 'unreachable' });
    expect(requests).toBe(1);
  });
});
