import type { Socket } from 'node:net';
import { createKeptSender } from '../../../../src/providers/http/kept-sender';
import { sendOnce } from '../../../../src/providers/http/send-once';
import type { SendOnceOptions, SendOnceResult } from '../../../../src/providers/http/send-once';
import { httpAnswer, startRawServer } from './raw-server';
import type { RawServer } from './raw-server';
import { selfSigned } from './self-signed';

const LONG = { connectMs: 20_000, headersMs: 20_000, bodyMs: 20_000 };
const SHORT_MS = 100;
const open: RawServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(...args: Parameters<typeof startRawServer>): Promise<RawServer> {
  const server = await startRawServer(...args);
  open.push(server);
  return server;
}

/** The two senders of money give the same proof. */
const SENDERS: [string, typeof sendOnce][] = [
  ['a connection of its own', sendOnce],
  ['a kept connection', (request, options) => createKeptSender(options)(request, options)],
];
let sender = sendOnce;

function send(url: string, options: Partial<SendOnceOptions> = {}): Promise<SendOnceResult> {
  const request = {
    method: 'POST',
    url: new URL('/pay?x=1', url),
    headers: { 'Content-Type': 'application/json' },
    body: '{"amount":1}',
  } as const;
  const clearance = jest.fn(() => Promise.resolve('go' as const));
  return sender(request, { timeouts: LONG, ca: null, clearance, sendBy: inOneMinute(), ...options });
}

function inOneMinute(): Date {
  return new Date(Date.now() + 60_000);
}

async function refusingUrl(): Promise<string> {
  const server = await startRawServer();
  await server.close();
  return server.url;
}

describe('a request that moves money', () => {
  it('is sent once, whole, over a connection that ends with it', async () => {
    const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{"ok":true}')) });
    expect(await send(server.url)).toEqual({
      sent: true,
      answered: true,
      answer: { status: 200, body: '{"ok":true}' },
    });
    expect(server.connections).toHaveLength(1);
    await server.connections[0]!.closed;
    const [head, body] = server.connections[0]!.received().split('\r\n\r\n');
    expect(head).toMatch(/^POST \/pay\?x=1 HTTP\/1\.1\r\n/);
    expect(head).toContain(`\r\nHost: ${new URL(server.url).host}`);
    expect(head).toContain('\r\nConnection: close');
    expect(body).toBe('{"amount":1}');
  });

  it('asks for clearance only when the connection stands, and before any byte', async () => {
    const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{}')) });
    let seen: { connections: number; bytes: string } | undefined;
    const clearance = async (): Promise<'go'> => {
      await until(() => server.connections.length > 0);
      seen = { connections: server.connections.length, bytes: server.connections[0]!.received() };
      return 'go';
    };
    expect(await send(server.url, { clearance })).toMatchObject({ sent: true, answered: true });
    expect(seen).toEqual({ connections: 1, bytes: '' });
  });
});

describe.each(SENDERS)('over %s', (_connection, presentSender) => {
  beforeAll(() => {
    sender = presentSender;
  });
  afterAll(() => {
    sender = sendOnce;
  });

  describe('a request is proven not sent', () => {
    it('where the connection is refused', async () => {
      const clearance = jest.fn(() => Promise.resolve('go' as const));
      expect(await send(await refusingUrl(), { clearance })).toEqual({ sent: false, reason: 'connect_failed' });
      expect(clearance).not.toHaveBeenCalled();
    });

    it('where the host has no address', async () => {
      expect(await send('http://nowhere.invalid')).toMatchObject({ sent: false });
    });

    it('where the connection does not stand in time', async () => {
      const silent = await serve();
      const url = silent.url.replace('http:', 'https:');
      const clearance = jest.fn(() => Promise.resolve('go' as const));
      const result = await send(url, { clearance, timeouts: { ...LONG, connectMs: SHORT_MS } });
      expect(result).toEqual({ sent: false, reason: 'connect_timeout' });
      expect(clearance).not.toHaveBeenCalled();
    });

    it('where the other side speaks no TLS', async () => {
      const plain = await serve({ onConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') });
      expect(await send(plain.url.replace('http:', 'https:'))).toEqual({ sent: false, reason: 'tls_failed' });
    });

    it('where the certificate is not trusted', async () => {
      const server = await serve({}, selfSigned());
      const clearance = jest.fn(() => Promise.resolve('go' as const));
      expect(await send(server.url, { clearance })).toEqual({ sent: false, reason: 'tls_failed' });
      expect(clearance).not.toHaveBeenCalled();
      expect(server.connections.map((connection) => connection.received()).join('')).toBe('');
    });

    it('where clearance says stop', async () => {
      const server = await serve();
      expect(await send(server.url, { clearance: () => Promise.resolve('stop') })).toEqual({
        sent: false,
        reason: 'stopped',
      });
      await expectNoByte(server);
    });

    it('where clearance fails, whose error is passed on', async () => {
      const server = await serve();
      const failing = send(server.url, { clearance: () => Promise.reject(new Error('the database is down')) });
      await expect(failing).rejects.toThrow('the database is down');
      await expectNoByte(server);
    });

    it('where the time to send is over when clearance comes', async () => {
      const server = await serve();
      const result = await send(server.url, { sendBy: new Date(Date.now() - 1) });
      expect(result).toEqual({ sent: false, reason: 'send_by_passed' });
      await expectNoByte(server);
    });

    it('where the server closed the connection while clearance was being asked', async () => {
      const server = await serve({ onConnection: (socket) => socket.end() });
      const clearance = async (): Promise<'go'> => {
        await until(() => server.connections.length > 0);
        await server.connections[0]!.closed;
        return 'go';
      };
      expect(await send(server.url, { clearance })).toEqual({ sent: false, reason: 'connection_closed' });
      await expectNoByte(server);
    });

    it('where the server resets the connection in the very moment of clearance', async () => {
      const server = await serve();
      const clearance = async (): Promise<'go'> => {
        await until(() => server.connections.length > 0);
        server.connections[0]!.socket.resetAndDestroy();
        return 'go';
      };
      expect(await send(server.url, { clearance })).toEqual({ sent: false, reason: 'connection_closed' });
      await expectNoByte(server);
    });

    it('where the server speaks before it is asked', async () => {
      const server = await serve();
      const clearance = async (): Promise<'go'> => {
        await until(() => server.connections.length > 0);
        const { socket } = server.connections[0]!;
        await new Promise((resolve) => socket.write(httpAnswer(408, '{}'), resolve));
        return 'go';
      };
      expect(await send(server.url, { clearance })).toEqual({ sent: false, reason: 'connection_closed' });
      await expectNoByte(server);
    });
  });

  describe('from the first byte on an answer is lost', () => {
    const lost: [string, (socket: Socket, request: string) => void, string, string][] = [
      ['where none comes in time', () => undefined, 'headers', 'headers_timeout'],
      [
        'where its head stops half way',
        (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-'),
        'headers',
        'headers_timeout',
      ],
      [
        'where only interim answers come',
        (socket) => socket.write('HTTP/1.1 102 Processing\r\n\r\n'),
        'headers',
        'headers_timeout',
      ],
      [
        'where its body stops half way',
        (socket) => socket.write(cut(httpAnswer(200, '{"ok":true}'))),
        'body',
        'body_timeout',
      ],
      ['where its body trickles', (socket) => trickle(socket), 'body', 'body_timeout'],
      ['where the server closes in silence', (socket) => socket.end(), 'headers', 'connection_lost'],
      ['where the server resets', (socket) => socket.resetAndDestroy(), 'headers', 'connection_lost'],
      ['where its body is cut', (socket) => socket.end(cut(httpAnswer(200, '{"ok":true}'))), 'body', 'connection_lost'],
      [
        'where it is reset in its body',
        (socket) => resetAfter(socket, cut(httpAnswer(200, '{"a":1}'))),
        'body',
        'connection_lost',
      ],
      ['where it is no HTTP', (socket) => socket.end('hello\r\n\r\n'), 'headers', 'connection_lost'],
      [
        'where its head is endless',
        (socket) => socket.write(httpAnswer(200, '', { x: 'y'.repeat(100_000) })),
        'headers',
        'connection_lost',
      ],
      ['where it switches protocols', (socket) => socket.write(switching()), 'headers', 'connection_lost'],
      [
        'where it is longer than 1 MiB',
        (socket) => socket.write(httpAnswer(200, 'x'.repeat(1_048_577))),
        'body',
        'answer_too_large',
      ],
    ];

    it.each(lost)('%s', async (_when, onRequest, stage, reason) => {
      const server = await serve({ onRequest });
      const short = { headers_timeout: { headersMs: 3 * SHORT_MS }, body_timeout: { bodyMs: SHORT_MS } }[reason];
      const timeouts = { ...LONG, ...short };
      expect(await send(server.url, { timeouts })).toEqual({ sent: true, answered: false, stage, reason });
      expect(server.connections).toHaveLength(1);
    });

    it('where the server resets without having read the request', async () => {
      const server = await serve({ onConnection: (socket) => resetUnread(socket) });
      expect(await send(server.url)).toMatchObject({ sent: true, answered: false, reason: 'connection_lost' });
    });
  });

  describe('an answer', () => {
    it('that redirects is an answer and is not followed', async () => {
      const server = await serve({
        onRequest: (socket) => socket.write(httpAnswer(307, '', { Location: '/pay-again' })),
      });
      expect(await send(server.url)).toEqual({ sent: true, answered: true, answer: { status: 307, body: '' } });
      expect(server.connections).toHaveLength(1);
      expect(server.connections[0]!.received()).not.toContain('pay-again');
    });

    it('of exactly 1 MiB is read', async () => {
      const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, 'x'.repeat(1_048_576))) });
      expect(await send(server.url)).toMatchObject({ answered: true, answer: { status: 200 } });
    });

    it('comes over TLS as well', async () => {
      const pair = selfSigned();
      const server = await serve({ onRequest: (socket) => socket.write(httpAnswer(200, '{"ok":true}')) }, pair);
      expect(await send(server.url, { ca: pair.cert })).toMatchObject({
        sent: true,
        answered: true,
        answer: { status: 200 },
      });
      expect(server.connections[0]!.received()).toContain(`\r\nHost: ${new URL(server.url).host}\r\n`);
      expect(server.connections[0]!.socket).toHaveProperty('servername', 'localhost');
    });
  });

  it('a header that cannot be written fails before anything is connected', async () => {
    const server = await serve();
    const request = {
      method: 'POST',
      url: new URL(server.url),
      headers: { Authorization: 'a\nb' },
      body: '{}',
    } as const;
    const clearance = jest.fn(() => Promise.resolve('go' as const));
    await expect(sender(request, { timeouts: LONG, ca: null, clearance, sendBy: inOneMinute() })).rejects.toThrow();
    expect(clearance).not.toHaveBeenCalled();
    expect(server.connections).toHaveLength(0);
  });
});

async function expectNoByte(server: RawServer): Promise<void> {
  await until(() => server.connections.length > 0);
  await server.connections[0]!.closed;
  expect(server.connections).toHaveLength(1);
  expect(server.connections[0]!.received()).toBe('');
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function cut(answer: string): string {
  return answer.slice(0, -4);
}

function switching(): string {
  return 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n';
}

function trickle(socket: Socket): void {
  socket.write(httpAnswer(200, '', { 'Content-Length': '100000' }));
  const timer = setInterval(() => socket.write(' '), SHORT_MS / 5);
  socket.on('close', () => clearInterval(timer));
}

function resetAfter(socket: Socket, bytes: string): void {
  // What was written must have arrived before the reset throws it away.
  socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), SHORT_MS));
}

/** Closing a socket whose bytes were never read makes the kernel answer with a reset. */
function resetUnread(socket: Socket): void {
  socket.pause();
  const handle = socket as unknown as { _handle: { readStop(): void } };
  handle._handle.readStop();
  setTimeout(() => socket.resetAndDestroy(), SHORT_MS);
}
