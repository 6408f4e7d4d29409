import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** One connection as the server saw it. */
export interface SeenConnection {
  socket: Socket;
  /** All bytes that arrived, TLS taken off. */
  received(): string;
  closed: Promise<void>;
}

export interface RawServer {
  url: string;
  connections: SeenConnection[];
  close(): Promise<void>;
}

/**
 * Starts a TCP or TLS server on 127.0.0.1 that does with each connection what `behave` says, byte by byte. `onRequest`
 * runs once per connection, when the head and the announced body have arrived.
 */
export async function startRawServer(
  behave: { onConnection?: (socket: Socket) => void; onRequest?: (socket: Socket, request: string) => void } = {},
  tls?: { key: string; cert: string },
): Promise<RawServer> {
  const connections: SeenConnection[] = [];
  const accept = (socket: Socket): void => {
    const chunks: Buffer[] = [];
    const received = (): string => Buffer.concat(chunks).toString('latin1');
    let asked = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (asked || !isWholeRequest(received())) return;
      asked = true;
      behave.onRequest?.(socket, received());
    });
    connections.push({ socket, received, closed: once(socket, 'close').then(() => undefined) });
    behave.onConnection?.(socket);
  };
  const server: Server = tls ? createTlsServer(tls, accept) : createServer(accept);
  const accepted = new Set<Socket>();
  server.on('connection', (socket: Socket) => accepted.add(socket));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    connections,
    async close() {
      for (const socket of accepted) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function isWholeRequest(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length - headEnd - 4 >= length;
}

/** An HTTP/1.1 answer as bytes, with its true length announced unless `headers` says otherwise. */
export function httpAnswer(status: number, body: string, headers: Record<string, string> = {}): string {
  const all = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n${body}`;
}
