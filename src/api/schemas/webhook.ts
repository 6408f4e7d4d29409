import { z } from 'zod';

import { ENVIRONMENTS } from '../../domain/environment';
import { WEBHOOK_EVENTS } from '../../domain/webhook-event';
import type { WebhookEvent } from '../../domain/webhook-event';
import { bulkSnapshot } from './bulk';
import { oneOf, said, text } from './fields';
import { payoutAnswer } from './payout';

const time = z.iso.datetime();

export const webhookEndpointRequest = z
  .strictObject(
    {
      merchant_id: text(64),
      environment: oneOf(ENVIRONMENTS),
      url: z.string(said('give an https URL')).max(2_000, 'give a URL of at most 2000 characters'),
      events: z
        .array(oneOf(WEBHOOK_EVENTS), said('give a list of events'))
        .min(1, 'give at least one event')
        .refine((events) => new Set(events).size === events.length, 'name each event once'),
    },
    said('give a JSON object'),
  )
  .meta({ id: 'WebhookEndpointRequest' });

const endpointFields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  merchant_id: z.string(),
  environment: z.enum(ENVIRONMENTS),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  created_at: time,
  previous_secret_until: time.nullable().meta({ description: 'Until when webhooks are signed with both secrets.' }),
};

export const webhookEndpointAnswer = z.object(endpointFields).meta({ id: 'WebhookEndpoint' });

export const webhookSecretAnswer = z
  .object({ ...endpointFields, secret: z.string().meta({ description: 'Shown this once: `whsec_…`.' }) })
  .meta({ id: 'WebhookEndpointWithSecret' });

export const webhookEndpointsAnswer = z
  .object({ data: z.array(webhookEndpointAnswer) })
  .meta({ id: 'WebhookEndpointList' });

export const webhookDeliveriesAnswer = z
  .object({
    data: z.array(
      z.object({
        event_id: z.string(),
        endpoint_id: z.string(),
        type: z.enum(WEBHOOK_EVENTS),
        object_version: z.int(),
        created_at: time,
        delivered_at: time.nullable(),
        given_up_at: time.nullable(),
        attempts: z.array(
          z.object({ at: time, duration_ms: z.int(), http_status: z.int().nullable(), result: z.string() }),
        ),
      }),
    ),
  })
  .meta({ id: 'WebhookDeliveries' });

/** Body of a webhook: the payout or the bulk as it was at the event's version. */
export function webhookPayload(type: WebhookEvent): z.ZodObject {
  const name = type.split('.').map((word) => word.charAt(0).toUpperCase() + word.slice(1).replaceAll('_', ''));
  return z
    .object({
      type: z.literal(type),
      timestamp: time.meta({ description: 'When the event happened.' }),
      data: type.startsWith('bulk.') ? bulkSnapshot : payoutAnswer,
    })
    .meta({ id: `${name.join('')}Webhook` });
}
