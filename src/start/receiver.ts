import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** A webhook as it came. */
export interface ReceivedWebhook {
  receivedAt: string;
  id: string;
  /** The signature fits the body, the id, the time and our secret. */
  verified: boolean;
  body: unknown;
}

export interface ReceiverOptions {
  port: number;
  /** Asked at each webhook, since secrets rotate; undefined while there is none. */
  secret: () => string | undefined;
  report: (webhook: ReceivedWebhook) => void;
}

export interface Receiver {
  url: string;
  close: () => Promise<void>;
}

/** The newest are kept in memory, for `GET /received`. */
const KEPT = 1_000;

const MAX_BODY_BYTES = 1_048_576;

/**
 * A merchant's endpoint for demonstrations, on 127.0.0.1: `POST /webhooks` answers 204 to a verified webhook of the
 * Standard Webhooks scheme and 401 to any other; `GET /received` lists what came, the oldest first.
 */
export async function createReceiver({ port, secret, report }: ReceiverOptions): Promise<Receiver> {
  const received: ReceivedWebhook[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      if (request.method === 'GET' && request.url === '/received') {
        response.setHeader('content-type', 'application/json').end(JSON.stringify(received));
      } else if (request.method === 'POST' && request.url === '/webhooks') {
        const webhook = readWebhook(request, await readBody(request), secret());
        received.push(webhook);
        received.splice(0, received.length - KEPT);
        report(webhook);
        response.writeHead(webhook.verified ? 204 : 401).end();
      } else {
        response.writeHead(404).end();
      }
    })().catch(() => response.destroy());
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readWebhook(request: IncomingMessage, body: string, secret: string | undefined): ReceivedWebhook {
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const id = header('webhook-id');
  const receivedAt = new Date().toISOString();
  try {
    if (secret === undefined) throw new Error('No secret yet.');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': header('webhook-timestamp'),
      'webhook-signature': header('webhook-signature'),
    };
    return { receivedAt, id, verified: true, body: new Webhook(secret).verify(body, headers) };
  } catch {
    return { receivedAt, id, verified: false, body: null };
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('The body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen({ port, host: '127.0.0.1' }, () => resolve());
  });
}
