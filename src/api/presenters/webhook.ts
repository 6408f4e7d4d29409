import type { WebhookDelivery, WebhookEndpoint } from '../../db/webhook-endpoints-admin';

export function serializeWebhookEndpoint(endpoint: WebhookEndpoint): Record<string, unknown> {
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    merchant_id: endpoint.merchantId,
    environment: endpoint.environment,
    url: endpoint.url,
    events: endpoint.events,
    created_at: endpoint.createdAt.toISOString(),
    previous_secret_until: endpoint.previousSecretUntil?.toISOString() ?? null,
  };
}

export function serializeWebhookDelivery(delivery: WebhookDelivery): Record<string, unknown> {
  return {
    event_id: delivery.eventId,
    endpoint_id: delivery.endpointId,
    type: delivery.type,
    object_version: delivery.objectVersion,
    created_at: delivery.createdAt.toISOString(),
    delivered_at: delivery.deliveredAt?.toISOString() ?? null,
    given_up_at: delivery.givenUpAt?.toISOString() ?? null,
    attempts: delivery.attempts,
  };
}
