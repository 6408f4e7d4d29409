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
  summary: 'What a payout had to tell its endpoints, with every attempt.',
  tag: 'Operations',
  access: 'operator',
  query: z.strictObject({
    payout_id: z.string('give the id of a payout').regex(/^po_[0-9a-z]{26}$/, 'give the id of a payout'),
  }),
  answers: {
    200: { description: 'Oldest first; empty for a payout that is not known.', schema: webhookDeliveriesAnswer },
  },
  problems: ['unavailable'],
  async handle({ query }, { pool }) {
    const deliveries = await listWebhookDeliveries(pool, query.payout_id);
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
  params: z.object({ eventId: z.string().regex(/^evt_[0-9a-z]{26}_\d{1,9}(_r\d{1,4})?$/), endpointId: idOf('we') }),
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
