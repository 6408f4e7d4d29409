import { createServer, STATUS_CODES } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';

import type { ProblemCode } from '../domain/problems';
import { PROBLEMS } from '../domain/problems';
import { serializeProblem } from './problem';

export interface ApiServerOptions {
  app: RequestListener;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Milliseconds that a request, headers and body, may take to come in. */
  requestTimeoutMs: number;
}

export interface ApiServer {
  port: number;
  /** Takes no more requests, lets those under way end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;

/** Milliseconds that the headers may take to come in: only a body is ever long. */
const MAX_HEADERS_MS = 15_000;

const HANG_UP_EVERY_MS = 50;

/**
 * Longer than clients and load balancers keep an idle connection (60 s), so that they close it: a request that is on its way
 * while we close is lost with a reset.
 */
const KEEP_ALIVE_MS = 65_000;

/** Serves the app with limits on how slowly and how large a request may come in. */
export async function startApiServer({ app, host, port, requestTimeoutMs }: ApiServerOptions): Promise<ApiServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(requestTimeoutMs, MAX_HEADERS_MS),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(5_000, Math.max(100, Math.floor(requestTimeoutMs / 3))),
    },
    app,
  );
  // What Node refuses before the app sees it is a problem like the others.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawProblem(refusedBeforeTheApp(error.code)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      // Connections that were busy when the server stopped listening are kept open by Node once they are idle.
      const hangUp = setInterval(() => server.closeIdleConnections(), HANG_UP_EVERY_MS);
      await new Promise((resolve) => server.close(resolve));
      clearTimeout(cut);
      clearInterval(hangUp);
    },
  };
}

function refusedBeforeTheApp(code: string | undefined): ProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'malformed_request';
}

function rawProblem(code: ProblemCode): string {
  const { status } = PROBLEMS[code];
  const requestId = `req_${randomUUID()}`;
  const body = JSON.stringify(serializeProblem(code, {}, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
