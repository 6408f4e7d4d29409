import { z } from 'zod';

import { listWebhookEvents, redeliverWebhook } from '../../db/webhook-events';
import type { WebhookEventLog } from '../../db/webhook-events';
import { WEBHOOK_EVENTS } from '../../domain/webhook-event';
import { personOf } from '../operator-person';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import type { Route } from '../route';
import { idOf } from '../schemas/fields';

const time = z.iso.datetime();

const webhookEventsAnswer = z
  .object({
    data: z.array(
      z.object({
        event_id: z.string(),
        endpoint_id: z.string(),
        type: z.enum(WEBHOOK_EVENTS),
        object_version: z.int(),
        created_at: time,
        delivered_at: time.nullable(),
        given_up_at: time.nullable().meta({ description: 'No further try is made unless it is redelivered.' }),
        attempts: z.array(
          z.object({
            at: time,
            duration_ms: z.int(),
            http_status: z.int().nullable(),
            result: z.string(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'WebhookEvents' });

function serializeWebhookEvent(event: WebhookEventLog): Record<string, unknown> {
  return {
    event_id: event.eventId,
    endpoint_id: event.endpointId,
    type: event.type,
    object_version: event.objectVersion,
    created_at: event.createdAt.toISOString(),
    delivered_at: event.deliveredAt?.toISOString() ?? null,
    given_up_at: event.givenUpAt?.toISOString() ?? null,
    attempts: event.attempts.map(({ at, durationMs, httpStatus, result }) => ({
      at: at.toISOString(),
      duration_ms: durationMs,
      http_status: httpStatus,
      result,
    })),
  };
}

const listRoute = defineRoute({
  method: 'get',
  path: '/v1/webhook-events',
  operationId: 'listWebhookEvents',
  summary: 'What a payout’s endpoints were told: each event with every attempt.',
  tag: 'Operations',
  access: 'operator',
  query: z.strictObject({ payout_id: idOf('po').meta({ description: 'Id of the payout, `po_…`.' }) }),
  answers: { 200: { description: 'The oldest event first.', schema: webhookEventsAnswer } },
  problems: [],
  async handle({ query }, { pool }) {
    const events = await listWebhookEvents(pool, query.payout_id);
    return { status: 200, body: { data: events.map(serializeWebhookEvent) } };
  },
});

const redeliverRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-events/{eventId}/endpoints/{endpointId}/redeliver',
  operationId: 'redeliverWebhookEvent',
  summary: 'Deliver an event to an endpoint again, under the same event id.',
  tag: 'Operations',
  access: 'operator',
  params: z.object({
    eventId: z.string().regex(/^evt_[0-9a-z]{26}_\d{1,9}$/),
    endpointId: idOf('we'),
  }),
  answers: { 202: { description: 'It will be sent within seconds.' } },
  problems: ['delivery_under_way'],
  async handle({ principal, params }, { pool }) {
    const result = await redeliverWebhook(pool, { ...params, personId: personOf(principal) });
    switch (result) {
      case 'due':
        return { status: 202 };
      case 'under_way':
        throw new ApiProblem('delivery_under_way');
      case 'endpoint_disabled':
        throw new ApiProblem('not_found', { detail: 'The endpoint is switched off.' });
      case 'missing':
        throw new ApiProblem('not_found');
      default:
        return result satisfies never;
    }
  },
});

export const webhookEventRoutes: readonly Route[] = [listRoute, redeliverRoute];
