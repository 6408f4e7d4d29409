import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { createKeptSender } from '../../../../src/providers/http/kept-sender';
import type { SendOnceResult } from '../../../../src/providers/http/send-once';

const LONG = { connectMs: 20_000, headersMs: 20_000, bodyMs: 20_000 };

interface KeptServer {
  url: string;
  /** Paths in the order in which they came, each with the number of its connection. */
  heard: { path: string; connection: number }[];
  sockets: Socket[];
  close(): Promise<void>;
}

/** A server that keeps connections; `/odd` closes its connection after a whole answer, `/lost` before any. */
async function startKeptServer(): Promise<KeptServer> {
  const sockets: Socket[] = [];
  const heard: KeptServer['heard'] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const path = request.url ?? '';
    heard.push({ path, connection: sockets.indexOf(request.socket) });
    request.resume();
    if (path === '/lost') request.socket.resetAndDestroy();
    else response.writeHead(200, path === '/odd' ? { Connection: 'close' } : {}).end('{}');
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe('lines over kept connections', () => {
  let server: KeptServer;
  let send: (path: string) => Promise<SendOnceResult>;
  beforeEach(async () => {
    server = await startKeptServer();
    const keptSender = createKeptSender({ timeouts: LONG, ca: null });
    send = (path) =>
      keptSender(
        { method: 'POST', url: new URL(path, server.url), headers: {}, body: '{}' },
        { clearance: () => Promise.resolve('go'), sendBy: new Date(Date.now() + 60_000) },
      );
  });
  afterEach(() => server.close());

  const ANSWERED = { sent: true, answered: true, answer: { status: 200, body: '{}' } };

  it('use one connection one after another', async () => {
    for (const path of ['/1', '/2', '/3']) expect(await send(path)).toEqual(ANSWERED);
    expect(server.heard.map(({ connection }) => connection)).toEqual([0, 0, 0]);
  });

  it('do not wait for each other', async () => {
    expect(await Promise.all(['/1', '/2', '/3'].map(send))).toEqual([ANSWERED, ANSWERED, ANSWERED]);
    expect(new Set(server.heard.map(({ connection }) => connection)).size).toBe(3);
  });

  it('take a new connection after one that the server ended', async () => {
    expect(await send('/odd')).toEqual(ANSWERED);
    expect(await send('/2')).toEqual(ANSWERED);
    expect(server.heard.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  it('take a new connection after one that was closed while it was idle', async () => {
    await send('/1');
    const closed = new Promise((resolve) => server.sockets[0]!.once('close', resolve));
    server.sockets[0]!.end();
    await closed;
    expect(await send('/2')).toEqual(ANSWERED);
    expect(server.heard).toEqual([
      { path: '/1', connection: 0 },
      { path: '/2', connection: 1 },
    ]);
  });

  it('are lost, not unsent, and never sent again where a kept connection breaks after the first byte', async () => {
    await send('/1');
    expect(await send('/lost')).toEqual({ sent: true, answered: false, stage: 'headers', reason: 'connection_lost' });
    expect(server.heard.map(({ path }) => path)).toEqual(['/1', '/lost']);
    expect(await send('/3')).toEqual(ANSWERED);
  });

  it('whose kept connection is reset in the moment of sending are either proven unsent or lost, and heard at most once', async () => {
    for (let round = 0; round < 30; round += 1) {
      await send('/warm');
      server.sockets.at(-1)!.resetAndDestroy();
      const path = `/round-${round}`;
      const result = await send(path);
      const times = server.heard.filter((request) => request.path === path).length;
      expect(times).toBe(result.sent && result.answered ? 1 : 0);
      expect(result).not.toEqual({ sent: false, reason: 'connect_failed' });
    }
  });
});
