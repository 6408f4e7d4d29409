import { createDocument } from 'zod-openapi';
import type {
  ZodOpenApiObject,
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { z } from 'zod';

import { PROBLEMS } from '../domain/problems';
import type { ProblemCode } from '../domain/problems';
import { WEBHOOK_EVENTS } from '../domain/webhook-event';
import type { Route } from './route';
import { problemAnswer } from './schemas/problem';
import { webhookPayload } from './schemas/webhook';

/** Problems that every route may answer with, and those that come with a part of its definition. */
function problemsOf(route: Route): readonly ProblemCode[] {
  const codes: ProblemCode[] = [...route.problems, 'internal_error', 'malformed_request'];
  if (route.access !== 'public') codes.push('unauthenticated', 'wrong_role', 'unavailable');
  if (route.params) codes.push('not_found');
  if (route.query) codes.push('invalid_request');
  if (route.body) codes.push('malformed_json', 'invalid_request', 'body_too_large', 'unsupported_media_type');
  if (route.rawBody) codes.push('body_too_large');
  if (route.idempotent === true) codes.push('idempotency_key_missing', 'idempotency_key_invalid');
  return [...new Set(codes)];
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .meta({
      description: 'Identifies the business operation for ever. To repeat a request, send the same key.',
      example: 'order-1001',
    }),
});

/** Headers of every webhook, by the Standard Webhooks specification. */
const webhookHeaders = z.object({
  'webhook-id': z.string().meta({ description: 'Id of the event; the same at each delivery attempt.' }),
  'webhook-timestamp': z.string().meta({ description: 'Time of the attempt, in seconds since 1970.' }),
  'webhook-signature': z
    .string()
    .meta({ description: '`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several are separated by spaces.' }),
});

/** What merchants' endpoints receive, one entry per type of event. */
function describeWebhooks(): NonNullable<ZodOpenApiObject['webhooks']> {
  return Object.fromEntries(
    WEBHOOK_EVENTS.map((type) => [
      type,
      {
        post: {
          operationId: `on_${type.replaceAll('.', '_')}`,
          summary: `Sent when a ${type.startsWith('bulk.') ? 'bulk' : 'payout'} becomes \`${type.split('.')[1]}\`.`,
          tags: ['Webhooks'],
          security: [],
          requestParams: { header: webhookHeaders },
          requestBody: { required: true, content: { 'application/json': { schema: webhookPayload(type) } } },
          responses: {
            '2XX': { description: 'Received. Any other answer, or none within the time limit, is tried again.' },
          },
        },
      },
    ]),
  );
}

/** OpenAPI 3.1 of the given routes. */
export function createOpenApiDocument(routes: readonly Route[], publicUrl: string): Record<string, unknown> {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: describeRoute(route) };
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Cauri',
      version: '1',
      description:
        'Durable mobile-money payouts. A 202 means that the payout is never lost, never paid twice and never called ' +
        'failed when it may have been paid. Amounts are minor units. Errors are `application/problem+json` with a ' +
        'stable `code`.',
    },
    servers: [{ url: publicUrl }],
    components: {
      securitySchemes: {
        merchantKey: { type: 'http', scheme: 'bearer', description: '`cauri_sandbox_…` or `cauri_live_…`' },
        operatorKey: { type: 'http', scheme: 'bearer', description: '`cauri_op_…`, of one person' },
      },
    },
    paths,
    webhooks: describeWebhooks(),
  }) as unknown as Record<string, unknown>;
}

function describeRoute(route: Route): ZodOpenApiOperationObject {
  const query = route.query ?? route.documentedQuery;
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    security: route.access === 'public' ? [] : [{ [`${route.access}Key`]: [] }],
    requestParams: {
      ...(route.params ? { path: route.params } : {}),
      ...(query ? { query } : {}),
      ...(route.idempotent === true ? { header: idempotencyHeader } : {}),
      ...(route.headers ? { header: route.headers } : {}),
    },
    ...(route.body ? { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } } : {}),
    ...(route.streamsBody ? { requestBody: { required: true, content: { ...route.streamsBody } } } : {}),
    ...(route.rawBody ? { requestBody: { required: true, content: { '*/*': {} } } } : {}),
    responses: describeAnswers(route),
  };
}

function describeAnswers(route: Route): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {};
  for (const code of problemsOf(route)) {
    const status = `${PROBLEMS[code].status}` as `${1 | 2 | 3 | 4 | 5}${string}`;
    const earlier = (responses[status] as { description: string } | undefined)?.description;
    responses[status] = {
      description: `${earlier === undefined ? '' : `${earlier}; `}\`${code}\`: ${PROBLEMS[code].title}`,
      content: { 'application/problem+json': { schema: problemAnswer } },
    };
  }
  for (const [status, { description, schema, type }] of Object.entries(route.answers)) {
    const earlier = responses[status as '200'] as { content?: object } | undefined;
    const content = schema ? { 'application/json': { schema } } : type === undefined ? {} : { [type]: {} };
    responses[status as '200'] = { description, content: { ...earlier?.content, ...content } };
  }
  return responses;
}
