import { z } from 'zod';

import { insertOperatorEvent } from '../../db/operator-actions';
import { withTransaction } from '../../db/transaction';
import { listWebhookDeliveries, redeliver } from '../../db/webhook-endpoints-admin';
import { personOf } from '../operator';
import { serializeWebhookDelivery } from '../presenters/webhook';
import { ApiProblem } from '../problem';
import { defineRoute } from '../route';
import { idOf } from '../schemas/fields';
import { webhookDeliveriesAnswer } from '../schemas/webhook';

export const listDeliveriesRoute = defineRoute({
  method: 'get',
  path: '/v1/webhook-deliveries',
  operationId: 'listWebhookDeliveries',
  summary: 'What a payout, or a bulk itself, had to tell its endpoints, with every attempt.',
  tag: 'Operations',
  access: 'operator',
  query: z.strictObject({
    payout_id: idOf('po').optional(),
    bulk_id: idOf('bulk')
      .optional()
      .meta({ description: 'Events of the bulk itself; those of its lines go by `payout_id`.' }),
  }),
  answers: {
    200: { description: 'Oldest first; empty for an id that is not known.', schema: webhookDeliveriesAnswer },
  },
  problems: ['unavailable'],
  async handle({ query }, { pool }) {
    const { payout_id: payoutId, bulk_id: bulkId } = query;
    if ((payoutId === undefined) === (bulkId === undefined)) {
      throw new ApiProblem('invalid_request', {
        errors: [{ parameter: 'payout_id', detail: 'give the id of a payout here, or `bulk_id`, not both' }],
      });
    }
    const deliveries = await listWebhookDeliveries(
      pool,
      bulkId === undefined ? { payoutId: payoutId ?? '' } : { bulkId },
    );
    return { status: 200, body: { data: deliveries.map(serializeWebhookDelivery) } };
  },
});

export const redeliverRoute = defineRoute({
  method: 'post',
  path: '/v1/webhook-events/{eventId}/endpoints/{endpointId}/redeliver',
  operationId: 'redeliverWebhook',
  summary: 'Deliver an event once more, also one that was delivered or given up.',
  tag: 'Operations',
  access: 'operator',
  params: z.object({
    eventId: z.string().regex(/^evt_(bulk_)?[0-9a-z]{26}_\d{1,9}(_r\d{1,4})?$/),
    endpointId: idOf('we'),
  }),
  answers: { 202: { description: 'It will be tried again shortly.' } },
  problems: ['not_found', 'delivery_under_way', 'endpoint_disabled', 'unavailable'],
  async handle({ principal, params }, { pool }) {
    await withTransaction(pool, async (trx) => {
      const result = await redeliver(trx, params);
      switch (result) {
        case 'due':
          break;
        case 'missing':
          throw new ApiProblem('not_found');
        case 'under_way':
          throw new ApiProblem('delivery_under_way');
        case 'endpoint_disabled':
          throw new ApiProblem('endpoint_disabled');
        default:
          return result satisfies never;
      }
      await insertOperatorEvent(trx, {
        personId: personOf(principal),
        action: 'webhook_redelivered',
        target: params.eventId,
        detail: { endpoint: params.endpointId },
      });
    });
    return { status: 202 };
  },
});
