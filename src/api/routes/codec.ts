import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';

import { assertCodecAccess, corsHeaders } from '../codec-access';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Route } from '../route';

const base64 = z.string().max(4_000_000);

/** A list of payloads in protobuf's JSON form: bytes are base64. */
const payloads = z
  .object({
    payloads: z
      .array(z.object({ metadata: z.record(z.string(), base64).nullish(), data: base64.nullish() }))
      .max(1_000),
  })
  .meta({ id: 'Payloads' });

/** Temporal's payloads are at most 2 MB, and the UI sends those of one page at once. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

/** What the Temporal UI calls to show encrypted payloads, and to encrypt what is typed into it. */
export const codecRoutes: readonly Route[] = (['encode', 'decode'] as const).flatMap((direction) => [
  defineRoute({
    method: 'options',
    path: `/codec/${direction}`,
    operationId: `${direction}PayloadsPreflight`,
    summary: 'CORS for the Temporal UI.',
    tag: 'Service',
    access: 'public',
    answers: { 204: { description: 'Allowed for the origin of TEMPORAL_UI_URL.' } },
    problems: [],
    handle: (_call, { config }) => ({
      status: 204,
      headers: {
        ...corsHeaders(config),
        'Access-Control-Allow-Methods': 'POST',
        'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Namespace',
        'Access-Control-Max-Age': '600',
      },
    }),
  }),
  defineRoute({
    method: 'post',
    path: `/codec/${direction}`,
    operationId: `${direction}Payloads`,
    summary: `${direction === 'encode' ? 'Encrypt' : 'Decrypt'} payloads for the Temporal UI.`,
    tag: 'Service',
    access: 'public',
    guard: (request, { config }) => assertCodecAccess(request, config),
    body: payloads,
    bodyLimit: BODY_LIMIT_BYTES,
    answers: { 200: { description: 'The payloads, in the same order.', schema: payloads } },
    problems: ['origin_refused', 'unauthenticated', 'payload_not_decodable'],
    async handle({ body }, { payloadCodec, config, logger }) {
      const converted = await convert(payloadCodec, direction, body.payloads.map(parsePayload)).catch(
        (err: unknown) => {
          logger.info({ err }, 'payloads could not be converted');
          throw new ApiProblem('payload_not_decodable', { headers: corsHeaders(config) });
        },
      );
      return { status: 200, body: { payloads: converted.map(serializePayload) }, headers: corsHeaders(config) };
    },
  }),
]);

async function convert(codec: PayloadCodec, direction: 'encode' | 'decode', list: Payload[]): Promise<Payload[]> {
  return direction === 'encode' ? await codec.encode(list) : await codec.decode(list);
}

type WirePayload = z.output<typeof payloads>['payloads'][number];

function parsePayload({ metadata, data }: WirePayload): Payload {
  const entries = Object.entries(metadata ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  return { metadata: Object.fromEntries(entries), data: Buffer.from(data ?? '', 'base64') };
}

function serializePayload({ metadata, data }: Payload): WirePayload {
  const entries = Object.entries(metadata ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return {
    metadata: Object.fromEntries(entries) as Record<string, string>,
    data: Buffer.from(data ?? new Uint8Array()).toString('base64'),
  };
}
