import { timingSafeEqual, createHash } from 'node:crypto';
import { isIP } from 'node:net';

import type { Payload } from '@temporalio/common';
import type { Request } from 'express';
import { z } from 'zod';

import type { ApiConfig, ApiDeps } from '../deps';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Answer, Route } from '../route';

/** Temporal takes payloads of 2 MB; base64 makes them a third larger, and the UI sends several at once. */
const BODY_LIMIT = 4 * 1_024 * 1_024;

const base64 = z.base64();

const payloads = z
  .object({
    payloads: z.array(z.object({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() })),
  })
  .meta({ id: 'Payloads', description: 'Payloads of Temporal as JSON: bytes are base64.' });

type WirePayload = z.infer<typeof payloads>['payloads'][number];

function parsePayload({ metadata = {}, data }: WirePayload): Payload {
  const bytes = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')] as const);
  return { metadata: Object.fromEntries(bytes), ...(data === undefined ? {} : { data: Buffer.from(data, 'base64') }) };
}

function serializePayload({ metadata, data }: Payload): WirePayload {
  const texts = Object.entries(metadata ?? {}).map(([name, value]) => [name, toBase64(value)] as const);
  return { metadata: Object.fromEntries(texts), ...(data ? { data: toBase64(data) } : {}) };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/**
 * Whether a caller may see what the histories hold. A browser may be on any page, so it must come from the Temporal UI;
 * and whoever calls shows the token or, where none is set, sits on this machine. Returns the headers of the answer.
 */
function admit(request: Request, config: ApiConfig): Record<string, string> {
  const headers = checkOrigin(request, config);
  const isAdmitted =
    config.CODEC_TOKEN === undefined ? isOnThisMachine(request) : hasToken(request, config.CODEC_TOKEN);
  if (isAdmitted) return headers;
  if (config.CODEC_TOKEN === undefined) throw new ApiProblem('origin_refused', { headers });
  throw new ApiProblem('unauthenticated', {
    detail: 'The token is CODEC_TOKEN.',
    headers: { ...headers, 'WWW-Authenticate': 'Bearer' },
  });
}

function checkOrigin(request: Request, config: ApiConfig): Record<string, string> {
  const { origin } = request.headers;
  if (origin === undefined) return { Vary: 'Origin' };
  const uiOrigin = new URL(config.TEMPORAL_UI_URL).origin;
  if (origin !== uiOrigin) throw new ApiProblem('origin_refused', { headers: { Vary: 'Origin' } });
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': uiOrigin, 'Access-Control-Allow-Credentials': 'true' };
}

/** What a proxy on this machine passes on came from elsewhere. */
function isOnThisMachine({ socket, headers }: Request): boolean {
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function hasToken({ headers }: Request, token: string): boolean {
  const given = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(sha256(given), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function codecRoutesOf(direction: 'encode' | 'decode'): readonly Route[] {
  const path = `/codec/${direction}`;
  return [
    defineRoute({
      method: 'options',
      path,
      operationId: `preflight${direction === 'encode' ? 'Encode' : 'Decode'}Payloads`,
      summary: 'What a browser asks before the Temporal UI may call.',
      tag: 'Service',
      access: 'public',
      answers: { 204: { description: 'It may.' } },
      problems: ['origin_refused'],
      handle: ({ request }, { config }): Answer => ({
        status: 204,
        headers: {
          ...checkOrigin(request, config),
          'Access-Control-Allow-Methods': 'POST',
          'Access-Control-Allow-Headers': 'authorization, content-type, x-namespace',
          'Access-Control-Max-Age': '600',
        },
      }),
    }),
    defineRoute({
      method: 'post',
      path,
      operationId: `${direction}Payloads`,
      summary: `${direction === 'encode' ? 'Encrypt' : 'Decrypt'} payloads, for the Temporal UI and CLI.`,
      tag: 'Service',
      access: 'public',
      body: payloads,
      bodyLimit: BODY_LIMIT,
      answers: { 200: { description: 'The payloads, in the same order.', schema: payloads } },
      problems: ['origin_refused', 'unauthenticated'],
      async handle({ request, body }, deps) {
        const headers = admit(request, deps.config);
        const changed = await convert(deps, direction, body.payloads.map(parsePayload));
        return { status: 200, headers, body: { payloads: changed.map(serializePayload) } };
      },
    }),
  ];
}

async function convert(
  { payloadCodec }: ApiDeps,
  direction: 'encode' | 'decode',
  given: Payload[],
): Promise<readonly Payload[]> {
  try {
    return await payloadCodec[direction](given);
  } catch {
    throw new ApiProblem('invalid_request', {
      errors: [{ pointer: '/payloads', detail: 'one does not open: its key is not configured, or it was changed' }],
    });
  }
}

export const codecRoutes: readonly Route[] = [...codecRoutesOf('decode'), ...codecRoutesOf('encode')];
