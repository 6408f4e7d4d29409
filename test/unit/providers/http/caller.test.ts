import { createHttpCaller } from '../../../../src/providers/http/caller';
import type { HttpCaller } from '../../../../src/providers/http/caller';
import { httpAnswer, startRawServer } from './raw-server';
import type { RawServer } from './raw-server';
import { selfSigned } from './self-signed';

const LONG = { connectMs: 20_000, headersMs: 20_000, bodyMs: 20_000 };
const open: RawServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(...args: Parameters<typeof startRawServer>): Promise<RawServer> {
  const server = await startRawServer(...args);
  open.push(server);
  return server;
}

function get(caller: HttpCaller, url: string): ReturnType<HttpCaller> {
  return caller({
    method: 'GET',
    url: new URL('/x', url),
    headers: { 'Content-Type': 'application/json' },
    body: null,
  });
}

it('keeps a connection and uses it again', async () => {
  const server = await serve({
    onConnection: (socket) => socket.on('data', () => socket.write(httpAnswer(200, '{}'))),
  });
  const caller = createHttpCaller({ timeouts: LONG, ca: null });
  expect(await get(caller, server.url)).toMatchObject({ answered: true });
  expect(await get(caller, server.url)).toMatchObject({ answered: true });
  expect(server.connections).toHaveLength(1);
});

it('sends the content type with a GET as well', async () => {
  const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{}')) });
  await get(createHttpCaller({ timeouts: LONG, ca: null }), server.url);
  expect(server.connections[0]!.received()).toContain('\r\nContent-Type: application/json\r\n');
});

it('says at which stage it ended', async () => {
  const gone = await startRawServer();
  await gone.close();
  const silent = await serve();
  const stalling = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{}').slice(0, -1)) });
  const closing = await serve({ onRequest: (socket) => socket.destroy() });
  const caller = createHttpCaller({ timeouts: { connectMs: 2_000, headersMs: 1_000, bodyMs: 1_000 }, ca: null });
  const ends = await Promise.all(
    [gone.url, silent.url.replace('http:', 'https:'), silent.url, stalling.url, closing.url].map((url) =>
      get(caller, url),
    ),
  );
  expect(ends).toEqual([
    { answered: false, stage: 'connect', reason: 'connection_lost' },
    { answered: false, stage: 'connect', reason: 'connect_timeout' },
    { answered: false, stage: 'headers', reason: 'headers_timeout' },
    { answered: false, stage: 'body', reason: 'body_timeout' },
    { answered: false, stage: 'headers', reason: 'connection_lost' },
  ]);
});

it('speaks TLS, and calls an untrusted certificate not connected', async () => {
  const pair = selfSigned();
  const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{}')) }, pair);
  expect(await get(createHttpCaller({ timeouts: LONG, ca: pair.cert }), server.url)).toMatchObject({ answered: true });
  expect(await get(createHttpCaller({ timeouts: LONG, ca: null }), server.url)).toMatchObject({ stage: 'connect' });
});
