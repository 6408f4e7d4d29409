import { z } from 'zod';

const time = z.iso.datetime();
const text = z.string();
const amount = text.meta({ description: 'Minor units.' });

export const statusAnswer = z
  .object({
    at: time,
    ready: z
      .record(z.string(), z.boolean())
      .meta({ description: 'What this API process needs, and whether it answers.' }),
    lines: z.array(
      z.object({
        topic: text,
        attention: z.boolean().meta({ description: 'Whether an operator has to look.' }),
        text,
        since: time.nullable(),
        see: text.nullable().meta({ description: 'The `npm run ops` command that shows more.' }),
      }),
    ),
  })
  .meta({ id: 'OperatorStatus' });

const payout = {
  id: text,
  merchant_id: text,
  environment: text,
  state: text,
  reason: text,
  attempt: z.int(),
  amount,
  currency: text,
  method: text,
  provider: text,
  bulk_id: text.nullable(),
  reference: text.nullable(),
  provider_reference: text.nullable(),
  updated_at: time,
  retry_at: time.nullable(),
  settle_by: time.nullable(),
};

const rows = z.array(z.record(z.string(), z.unknown()));

export const operatorPayoutsAnswer = z.object({ data: z.array(z.object(payout)) }).meta({ id: 'OperatorPayouts' });

export const operatorPayoutAnswer = z
  .object({
    ...payout,
    owner: text,
    hold_no: z.int(),
    submissions: rows.meta({ description: 'Every attempt to send it; an id is our reference at the provider.' }),
    look_ups: rows.meta({ description: 'The latest 20.' }),
    review_items: rows,
    holds: rows,
  })
  .meta({ id: 'OperatorPayout' });

const bulk = {
  id: text,
  merchant_id: text,
  environment: text,
  state: text,
  reason: text,
  lines: z.int(),
  total: amount,
  currency: text.nullable(),
  created_by: text,
  received_at: time,
  started_at: time.nullable(),
  updated_at: time,
  progress: z.record(z.string(), z.int()),
};

export const operatorBulksAnswer = z
  .object({ data: z.array(z.object({ ...bulk, approval_expires_at: time.nullable() })) })
  .meta({ id: 'OperatorBulks' });

export const operatorBulkAnswer = z
  .object({
    ...bulk,
    groups: rows.meta({ description: 'Its lines by state, reason and whether the bulk carries them itself.' }),
    rejections: rows,
    batches: rows.meta({ description: 'Its calls for many lines, the latest 100.' }),
    look_ups: rows,
    holds: rows,
  })
  .meta({ id: 'OperatorBulk' });

/** Lists whose rows are shown as they are. */
export const operatorRowsAnswer = z.object({ data: rows }).meta({ id: 'OperatorRows' });

export const operatorReviewsAnswer = z
  .object({
    data: z.array(
      z.object({
        id: text,
        kind: text,
        detail: text.nullable(),
        opened_at: time,
        payout_id: text.nullable(),
        merchant_id: text.nullable(),
        environment: text.nullable(),
        state: text.nullable(),
        amount: amount.nullable(),
        currency: text.nullable(),
        provider_reference: text.nullable(),
        decision_id: text.nullable(),
        proposed: text.nullable(),
        proposed_by: text.nullable(),
      }),
    ),
  })
  .meta({ id: 'OperatorReviews' });
