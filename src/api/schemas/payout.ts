import { z } from 'zod';

import { ENVIRONMENTS } from '../../domain/environment';
import { METHOD_IDS } from '../../domain/methods';
import { PAYOUT_STATES, PAYOUT_STATE_NAMES } from '../../domain/payout-state';
import { customer } from './payout-request';

const time = z.iso.datetime();

export const payoutState = z.enum(PAYOUT_STATE_NAMES).meta({
  id: 'PayoutState',
  description: Object.entries(PAYOUT_STATES)
    .map(([state, meaning]) => `- \`${state}\`: ${meaning}`)
    .join('\n'),
});

const payoutFields = {
  id: z.string(),
  object: z.literal('payout'),
  environment: z.enum(ENVIRONMENTS),
  bulk_id: z.string().nullable().meta({ description: 'The bulk of which it is a line.' }),
  state: payoutState,
  reason: z.string().meta({ description: 'Why it is in this state, as a stable code.' }),
  version: z.int().meta({ description: 'Grows by one with each change.' }),
  attempt: z.int(),
  amount: z.string().meta({ description: 'Minor units.', example: '5000' }),
  currency: z.string(),
  method: z.enum(METHOD_IDS),
  recipient: z.record(z.string(), z.string()),
  description: z.string(),
  reference: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  provider: z.string(),
  provider_reference: z.string().nullable(),
  scheduled_at: time.nullable(),
  retry_at: time.nullable().meta({ description: 'When a payout that could not be sent is tried again.' }),
  settle_by: time.nullable().meta({ description: 'When people decide, if no proof has come by then.' }),
  accepted_at: time,
  updated_at: time,
  finished_at: time.nullable(),
};

export const payoutAnswer = z.object(payoutFields).meta({ id: 'Payout' });

export const acceptedPayoutAnswer = z
  .object({
    ...payoutFields,
    warnings: z
      .array(z.object({ field: z.string(), code: z.enum(['reference_used_before']), detail: z.string() }))
      .meta({ description: 'What refuses nothing and is worth a look.' }),
  })
  .meta({ id: 'AcceptedPayout' });

export const singlePayoutAnswer = z
  .object({
    ...payoutFields,
    customer,
    progress: z
      .object({
        step: z.string(),
        next_at: time.nullable().meta({ description: 'When it goes on; null while something is being done.' }),
        attempt: z.int().nullable().meta({
          description:
            'Which try of the step is under way or comes at `next_at`, from 1; null for steps that are not repeated. Of the payout itself see `attempt` beside `state`.',
        }),
      })
      .nullable()
      .meta({ description: 'What its run is doing now; null where it has none or cannot be asked.' }),
  })
  .meta({ id: 'PayoutInFull' });

export const payoutListAnswer = z
  .object({ data: z.array(payoutAnswer), next_cursor: z.string().nullable() })
  .meta({ id: 'PayoutList' });

export const payoutEventsAnswer = z
  .object({
    data: z.array(
      z.object({
        sequence: z.int(),
        from: payoutState.nullable(),
        to: payoutState,
        at: time,
        actor: z.string().meta({ description: '`system`, `provider`, `api_key:<id>` or `person:<id>`.' }),
        reason: z.string(),
        provider_code: z.string().nullable().meta({ description: "The provider's own code." }),
        provider_text: z.string().nullable(),
        submission_id: z.string().nullable().meta({ description: 'The reference under which the provider knows it.' }),
        evidence: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'PayoutEvents' });
