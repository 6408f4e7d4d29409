import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { newId } from '../../db/ids';
import {
  createWebhookEndpoint,
  disableWebhookEndpoint,
  findWebhookEndpoint,
  listWebhookEndpoints,
  merchantExists,
  rotateWebhookSecret,
} from '../../db/webhook-endpoints';
import { personOf } from '../operator-person';
import { serializeWebhookEndpoint } from '../presenters/webhook-endpoint';
import { ApiProblem } from '../problem';
import type { InvalidField } from '../problem';
import { defineRoute } from '../route';
import type { Route } from '../route';
import {
  webhookEndpointAnswer,
  webhookEndpointListAnswer,
  webhookEndpointParams,
  webhookEndpointRequest,
  webhookEndpointSecretAnswer,
} from '../schemas/webhook-endpoint';

/** For so long after a rotation the secret before it signs as well, so that receivers change over without a gap. */
const ROTATION_OVERLAP_MS = 24 * 3_600_000;

/** A signing secret of Standard Webhooks: 256 random bits. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

const createRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-endpoints',
  operationId: 'createWebhookEndpoint',
  summary: 'Add an endpoint that hears of a merchant’s payouts from now on.',
  tag: 'Operations',
  access: 'operator',
  body: webhookEndpointRequest,
  answers: { 201: { description: 'Added; its secret is shown this once.', schema: webhookEndpointSecretAnswer } },
  problems: [],
  async handle({ principal, body }, { pool, sealing, config }) {
    const errors: InvalidField[] = [];
    if (new URL(body.url).protocol !== 'https:' && !config.ALLOW_LOOPBACK_WEBHOOKS) {
      errors.push({ pointer: '/url', detail: 'give an https URL' });
    }
    if (!(await merchantExists(pool, body.merchant_id))) {
      errors.push({ pointer: '/merchant_id', detail: 'give the id of a merchant that exists' });
    }
    if (errors.length > 0) throw new ApiProblem('invalid_request', { errors });
    const secret = newSecret();
    const endpoint = await createWebhookEndpoint(pool, {
      id: newId('we'),
      merchantId: body.merchant_id,
      environment: body.environment,
      url: body.url,
      events: body.events,
      secretEnc: await sealing.seal(body.merchant_id, 'webhook-secret', secret),
      personId: personOf(principal),
    });
    return { status: 201, body: { ...serializeWebhookEndpoint(endpoint), secret } };
  },
});

const listRoute = defineRoute({
  method: 'get',
  path: '/v1/webhook-endpoints',
  operationId: 'listWebhookEndpoints',
  summary: 'All endpoints of a merchant, switched off ones too.',
  tag: 'Operations',
  access: 'operator',
  query: z.strictObject({ merchant_id: z.string('give the id of the merchant') }),
  answers: { 200: { description: 'The newest first.', schema: webhookEndpointListAnswer } },
  problems: [],
  async handle({ query }, { pool }) {
    const endpoints = await listWebhookEndpoints(pool, query.merchant_id);
    return { status: 200, body: { data: endpoints.map(serializeWebhookEndpoint) } };
  },
});

const readRoute = defineRoute({
  method: 'get',
  path: '/v1/webhook-endpoints/{endpointId}',
  operationId: 'getWebhookEndpoint',
  summary: 'One endpoint, without its secret.',
  tag: 'Operations',
  access: 'operator',
  params: webhookEndpointParams,
  answers: { 200: { description: 'The endpoint.', schema: webhookEndpointAnswer } },
  problems: [],
  async handle({ params }, { pool }) {
    const endpoint = await findWebhookEndpoint(pool, params.endpointId);
    if (!endpoint) throw new ApiProblem('not_found');
    return { status: 200, body: serializeWebhookEndpoint(endpoint) };
  },
});

const disableRoute = defineRoute({
  method: 'delete',
  path: '/v1/webhook-endpoints/{endpointId}',
  operationId: 'disableWebhookEndpoint',
  summary: 'Switch an endpoint off; what it has not heard yet is given up.',
  tag: 'Operations',
  access: 'operator',
  params: webhookEndpointParams,
  answers: { 204: { description: 'Off.' } },
  problems: [],
  async handle({ principal, params }, { pool }) {
    const isThere = await disableWebhookEndpoint(pool, { id: params.endpointId, personId: personOf(principal) });
    if (!isThere) throw new ApiProblem('not_found');
    return { status: 204 };
  },
});

const rotateRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-endpoints/{endpointId}/rotate-secret',
  operationId: 'rotateWebhookSecret',
  summary: 'Give an endpoint a new secret; the present one signs beside it for 24 hours.',
  tag: 'Operations',
  access: 'operator',
  params: webhookEndpointParams,
  answers: { 200: { description: 'The new secret, shown this once.', schema: webhookEndpointSecretAnswer } },
  problems: [],
  async handle({ principal, params }, { pool, sealing }) {
    const present = await findWebhookEndpoint(pool, params.endpointId);
    if (!present) throw new ApiProblem('not_found');
    const secret = newSecret();
    const endpoint = await rotateWebhookSecret(pool, {
      id: present.id,
      secretEnc: await sealing.seal(present.merchantId, 'webhook-secret', secret),
      overlapMs: ROTATION_OVERLAP_MS,
      personId: personOf(principal),
    });
    if (!endpoint) throw new ApiProblem('not_found', { detail: 'The endpoint is switched off.' });
    return { status: 200, body: { ...serializeWebhookEndpoint(endpoint), secret } };
  },
});

/** Endpoints are the operators' to manage; a merchant's key is answered 403. */
export const webhookEndpointRoutes: readonly Route[] = [createRoute, listRoute, readRoute, disableRoute, rotateRoute];
