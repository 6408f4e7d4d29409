import { z } from 'zod';

import { ENVIRONMENTS } from '../../domain/environment';
import { WEBHOOK_EVENTS } from '../../domain/webhook-event';
import { idOf, oneOf, said } from './fields';

const time = z.iso.datetime();

const URL_HELP = 'give an https URL of at most 2000 characters, without user name and password';

function isUsable(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}

export const webhookEndpointRequest = z.strictObject({
  merchant_id: z.string(said('give the id of the merchant')).min(1, 'give the id of the merchant'),
  environment: oneOf(ENVIRONMENTS),
  url: z.string(said(URL_HELP)).max(2_000, URL_HELP).refine(isUsable, URL_HELP),
  events: z
    .array(oneOf(WEBHOOK_EVENTS), said('give the events that the endpoint wants'))
    .min(1, 'give at least one event')
    .transform((events) => [...new Set(events)]),
});

export const webhookEndpointParams = z.object({
  endpointId: idOf('we').meta({ description: 'Id of the endpoint, `we_…`.' }),
});

const endpointFields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  merchant_id: z.string(),
  environment: z.enum(ENVIRONMENTS),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  created_at: time,
  disabled_at: time.nullable(),
  previous_secret_until: time.nullable().meta({ description: 'Until when the secret before this one signs as well.' }),
};

export const webhookEndpointAnswer = z.object(endpointFields).meta({ id: 'WebhookEndpoint' });

export const webhookEndpointListAnswer = z
  .object({ data: z.array(webhookEndpointAnswer) })
  .meta({ id: 'WebhookEndpointList' });

export const webhookEndpointSecretAnswer = z
  .object({ ...endpointFields, secret: z.string().meta({ description: 'Shown this once: `whsec_…`.' }) })
  .meta({ id: 'WebhookEndpointWithSecret' });
