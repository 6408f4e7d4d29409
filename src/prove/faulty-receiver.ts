import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Webhook } from 'standardwebhooks';
import { z } from 'zod';

import type { Dice } from './dice';
import type { HeardWebhook } from './judge';

/** What a merchant's endpoint does wrong. `silent` answers after our time-out; `heard_then_reset` took it all the same. */
export const RECEIVER_FAULTS = ['error_500', 'silent', 'reset', 'redirect', 'heard_then_reset'] as const;

export type ReceiverFault = (typeof RECEIVER_FAULTS)[number];

const body = z.object({ type: z.string(), data: z.looseObject({ id: z.string() }) });

export interface FaultyReceiver {
  url: string;
  heard: readonly HeardWebhook[];
  /** Everything that came, for the scan of secrets. */
  texts: readonly string[];
  faults: Readonly<Record<ReceiverFault, number>>;
  /** The endpoint's secret, once it is known. */
  useSecret(secret: string): void;
  behave(): void;
  close(): Promise<void>;
}

/** Part of the requests that meet each fault. */
const RATE = 0.06;
const SILENT_MS = 8_000;

/** The merchant's webhook endpoint, which fails in each way at first, then by the dice until it is told to behave. */
export async function createFaultyReceiver(dice: Dice): Promise<FaultyReceiver> {
  const heard: HeardWebhook[] = [];
  const texts: string[] = [];
  const faults: Record<ReceiverFault, number> = { error_500: 0, silent: 0, reset: 0, redirect: 0, heard_then_reset: 0 };
  let secret: string | null = null;
  let behaves = false;
  let count = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request);
    texts.push(text);
    count += 1;
    const drawn = behaves
      ? undefined
      : (RECEIVER_FAULTS[count - 1] ?? RECEIVER_FAULTS[Math.floor(dice.draw('receiver', count) / RATE)]);
    if (drawn !== undefined) faults[drawn] += 1;
    switch (drawn) {
      case 'error_500':
        response.writeHead(500).end();
        return;
      case 'silent':
        setTimeout(() => response.writeHead(204).end(), SILENT_MS).unref();
        return;
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'redirect':
        response.writeHead(307, { location: '/elsewhere' }).end();
        return;
      case 'heard_then_reset':
        hear(request, text);
        request.socket.resetAndDestroy();
        return;
      case undefined:
        response.writeHead(hear(request, text) ? 204 : 401).end();
        return;
      default:
        drawn satisfies never;
    }
  }

  function hear(request: IncomingMessage, text: string): boolean {
    const verified = isVerified(secret, request, text);
    const parsed = body.safeParse(parseJson(text));
    const { type, data } = parsed.success ? parsed.data : { type: '', data: { id: '' } };
    heard.push({ type, payoutId: data.id, verified });
    return verified;
  }

  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    heard,
    texts,
    faults,
    useSecret: (given) => {
      secret = given;
    },
    behave: () => {
      behaves = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isVerified(secret: string | null, request: IncomingMessage, text: string): boolean {
  if (secret === null) return false;
  const headers = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(request.headers[name])]),
  );
  try {
    new Webhook(secret).verify(text, headers);
    return true;
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
