import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { newId } from '../../db/ids';
import { insertOperatorEvent } from '../../db/operator-actions';
import { withTransaction } from '../../db/transaction';
import {
  disableWebhookEndpoint,
  findWebhookEndpoint,
  insertWebhookEndpoint,
  listWebhookEndpoints,
  merchantExists,
  rotateWebhookSecret,
} from '../../db/webhook-endpoints-admin';
import { ENVIRONMENTS } from '../../domain/environment';
import { parseWebhookUrl } from '../../domain/webhook-url';
import { personOf } from '../operator';
import { serializeWebhookEndpoint } from '../presenters/webhook';
import { ApiProblem } from '../problem';
import type { InvalidField } from '../problem';
import { defineRoute } from '../route';
import { idOf, oneOf, text } from '../schemas/fields';
import { webhookEndpointRequest, webhookEndpointsAnswer, webhookSecretAnswer } from '../schemas/webhook';

const endpointParams = z.object({ endpointId: idOf('we') });

/** Standard Webhooks: 24 random bytes in base64 behind `whsec_`. */
function newSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

const createEndpointRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-endpoints',
  operationId: 'createWebhookEndpoint',
  summary: 'Add an endpoint for a merchant; the secret is shown this once.',
  tag: 'Operations',
  access: 'operator',
  body: webhookEndpointRequest,
  answers: { 201: { description: 'In use from the next event on.', schema: webhookSecretAnswer } },
  problems: ['unavailable'],
  async handle({ principal, body }, { pool, sealing, config }) {
    const url = parseWebhookUrl(body.url, { allowLoopback: config.ALLOW_LOOPBACK_WEBHOOKS });
    const errors: InvalidField[] = [];
    if (!url.ok) errors.push({ pointer: '/url', detail: url.advice });
    if (!(await merchantExists(pool, body.merchant_id))) {
      errors.push({ pointer: '/merchant_id', detail: 'there is no such merchant' });
    }
    if (!url.ok || errors.length > 0) throw new ApiProblem('invalid_request', { errors });
    const secret = newSecret();
    const secretEnc = await sealing.seal(body.merchant_id, 'webhook-secret', secret);
    const endpoint = await withTransaction(pool, async (trx) => {
      const inserted = await insertWebhookEndpoint(trx, {
        id: newId('we'),
        merchantId: body.merchant_id,
        environment: body.environment,
        url: url.url,
        events: body.events,
        secretEnc,
      });
      await insertOperatorEvent(trx, {
        personId: personOf(principal),
        action: 'webhook_endpoint_created',
        target: inserted.id,
        detail: { merchant: body.merchant_id, environment: body.environment, events: body.events },
      });
      return inserted;
    });
    return { status: 201, body: { ...serializeWebhookEndpoint(endpoint), secret } };
  },
});

const listEndpointsRoute = defineRoute({
  method: 'get',
  path: '/v1/webhook-endpoints',
  operationId: 'listWebhookEndpoints',
  summary: 'Endpoints in use.',
  tag: 'Operations',
  access: 'operator',
  query: z.strictObject({ merchant_id: text(64).optional(), environment: oneOf(ENVIRONMENTS).optional() }),
  answers: { 200: { description: 'Oldest first.', schema: webhookEndpointsAnswer } },
  problems: ['unavailable'],
  async handle({ query }, { pool }) {
    const endpoints = await listWebhookEndpoints(pool, {
      merchantId: query.merchant_id,
      environment: query.environment,
    });
    return { status: 200, body: { data: endpoints.map(serializeWebhookEndpoint) } };
  },
});

const deleteEndpointRoute = defineRoute({
  method: 'delete',
  path: '/v1/webhook-endpoints/{endpointId}',
  operationId: 'deleteWebhookEndpoint',
  summary: 'Take an endpoint out of use.',
  tag: 'Operations',
  access: 'operator',
  params: endpointParams,
  answers: { 204: { description: 'Nothing is sent to it any more.' } },
  problems: ['not_found', 'unavailable'],
  async handle({ principal, params }, { pool }) {
    await withTransaction(pool, async (trx) => {
      if (!(await disableWebhookEndpoint(trx, params.endpointId))) throw new ApiProblem('not_found');
      await insertOperatorEvent(trx, {
        personId: personOf(principal),
        action: 'webhook_endpoint_deleted',
        target: params.endpointId,
      });
    });
    return { status: 204 };
  },
});

const rotateSecretRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-endpoints/{endpointId}/rotate-secret',
  operationId: 'rotateWebhookSecret',
  summary: 'Give an endpoint a new secret; webhooks carry signatures of both for 24 hours.',
  tag: 'Operations',
  access: 'operator',
  params: endpointParams,
  answers: { 200: { description: 'The new secret, shown this once.', schema: webhookSecretAnswer } },
  problems: ['not_found', 'unavailable'],
  async handle({ principal, params }, { pool, sealing }) {
    const found = await findWebhookEndpoint(pool, params.endpointId);
    if (!found) throw new ApiProblem('not_found');
    const secret = newSecret();
    const secretEnc = await sealing.seal(found.merchantId, 'webhook-secret', secret);
    const endpoint = await withTransaction(pool, async (trx) => {
      const rotated = await rotateWebhookSecret(trx, found.id, secretEnc);
      if (!rotated) throw new ApiProblem('not_found');
      await insertOperatorEvent(trx, {
        personId: personOf(principal),
        action: 'webhook_secret_rotated',
        target: found.id,
      });
      return rotated;
    });
    return { status: 200, body: { ...serializeWebhookEndpoint(endpoint), secret } };
  },
});

export const webhookEndpointRoutes = [
  createEndpointRoute,
  listEndpointsRoute,
  deleteEndpointRoute,
  rotateSecretRoute,
] as const;
