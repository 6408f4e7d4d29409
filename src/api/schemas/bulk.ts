import { z } from 'zod';

import { BULK_NOTIFY, ON_INVALID } from '../../domain/bulk';
import { APPROVAL_STATES } from '../../domain/bulk-approval';
import { BULK_STATES, BULK_STATE_NAMES } from '../../domain/bulk-state';
import { ENVIRONMENTS } from '../../domain/environment';
import { SEPARATORS } from '../../spreadsheets/csv-rows';
import { ENCODINGS } from '../../spreadsheets/decode-text';
import { READ_FORMATS } from '../bulk-body/piece';
import { idOf, said, text } from './fields';
import { payoutAnswer } from './payout';

const time = z.iso.datetime();

export const bulkParams = z.object({ bulkId: idOf('bulk').meta({ description: 'Id of the bulk, `bulk_…`.' }) });

const bulkState = z.enum(BULK_STATE_NAMES).meta({
  id: 'BulkState',
  description: Object.entries(BULK_STATES)
    .map(([state, meaning]) => `- \`${state}\`: ${meaning}`)
    .join('\n'),
});

const approval = z
  .object({
    required: z.literal(true),
    threshold: z
      .object({ lines: z.int().nullable(), total: z.string().nullable() })
      .meta({ description: 'What the bulk is above; null: it is not above this one.' }),
    state: z.enum(APPROVAL_STATES),
    by: z.string().nullable().meta({ description: 'Who decided: `person:…`.' }),
    at: time.nullable(),
    reason: z.string().nullable(),
    expires_at: time.meta({ description: 'Without a decision until then it is rejected.' }),
    content_hash: z.string().nullable().meta({ description: 'What a decision must name.' }),
  })
  .meta({ id: 'BulkApproval' });

const bulkFields = {
  id: z.string(),
  object: z.literal('bulk_cash_in'),
  environment: z.enum(ENVIRONMENTS),
  state: bulkState,
  reason: z.string().meta({ description: 'Why it is in this state, as a stable code.' }),
  version: z.int(),
  description: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  notify: z.enum(BULK_NOTIFY),
  on_invalid: z.enum(ON_INVALID),
  content_sha256: z.string().nullable().meta({ description: 'Of the bytes of the lines as they came, in hex.' }),
  currency: z.string().nullable(),
  lines: z.int(),
  total: z.string().meta({ description: 'Minor units.' }),
  skipped_lines: z.int(),
  approval: approval.nullable().meta({ description: 'Null where it needs none.' }),
  created_by: z.string().meta({ description: 'Who sent it: `person:…`, or `api_key:…` of a system.' }),
  scheduled_at: time.nullable(),
  received_at: time,
  started_at: time.nullable(),
  updated_at: time,
  finished_at: time.nullable(),
};

const contentHash = z
  .string(said('give `content_sha256` of the bulk'))
  .regex(/^[0-9a-f]{64}$/i, 'give `content_sha256` of the bulk: 64 hexadecimal digits')
  .meta({ description: '`content_sha256` of the bulk whose lines you looked at.' });

export const bulkApproval = z
  .strictObject({ content_hash: contentHash, reason: text(500).optional() }, said('give a JSON object'))
  .meta({ id: 'BulkApprovalRequest' });

export const bulkRefusal = z
  .strictObject({ content_hash: contentHash, reason: text(500) }, said('give a JSON object'))
  .meta({ id: 'BulkRefusalRequest' });

const sameContentAs = z.string().nullable().meta({ description: 'An earlier bulk with the very same content.' });

const readAs = z
  .object({
    format: z.enum(READ_FORMATS),
    encoding: z.enum(ENCODINGS),
    separator: z.enum(SEPARATORS).nullable().meta({ description: 'Of a CSV.' }),
  })
  .nullable()
  .meta({ description: 'How the file was read; of a CSV, encoding and separator are guessed from it.' });

export const bulkError = z
  .object({
    line: z.int().nullable().meta({ description: 'Counts from 1; null where it is about the whole.' }),
    row: z.int().nullable().meta({ description: 'The row of the CSV as a spreadsheet counts; null of other bodies.' }),
    reference: z.string().nullable().meta({ description: 'Of the line.' }),
    field: z.string().nullable().meta({ description: 'Column of the CSV, or member of the line.' }),
    value: z.string().nullable().meta({
      description:
        'What the field says, at most 40 characters, of amount, currency, method, number and reference only; a phone number is masked but for its last two digits.',
    }),
    code: z.string(),
    detail: z.string().meta({ description: 'What to change.' }),
  })
  .meta({ id: 'BulkCashInError' });

const warningFields = {
  warning_count: z.int(),
  warnings: z.array(bulkError).meta({
    description: 'The first of what refuses nothing and is worth a look, such as a reference that was used before.',
  }),
};

export const acceptedBulkAnswer = z
  .object({ ...bulkFields, read_as: readAs, same_content_as: sameContentAs, ...warningFields })
  .meta({ id: 'AcceptedBulkCashIn' });

const progress = z
  .record(z.string(), z.object({ lines: z.int(), amount: z.string() }))
  .meta({ description: 'Lines and amounts (minor units) by the state of the payout.' });

const progressFields = {
  progress,
  rate: z.number().nullable().meta({
    description: 'Lines that came to rest per minute, over the last one or since it runs; null where none can be told.',
  }),
  estimated_end: time
    .nullable()
    .meta({ description: 'When the last line rests if it goes on at this rate; null where nothing can be told.' }),
  missing_amount: z.string().nullable().meta({
    description:
      'Minor units that the available float lacks now for the whole, `0` right after a top-up; null but in `awaiting_float`.',
  }),
};

const { id, object, environment, state, reason, version, description, metadata, currency, lines, total, ...others } =
  bulkFields;

/** A bulk as its webhooks carry it. */
export const bulkSnapshot = z
  .object({
    ...{ id, object, environment, state, reason, version, description, metadata, currency, lines, total },
    ...{ skipped_lines: others.skipped_lines, progress, finished_at: others.finished_at },
  })
  .meta({ id: 'BulkCashInSnapshot' });

export const bulkListAnswer = z
  .object({
    data: z.array(z.object(bulkFields).meta({ id: 'ListedBulkCashIn' })),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'BulkCashIns' });

export const bulkAnswer = z.object({ ...bulkFields, ...progressFields }).meta({ id: 'BulkCashIn' });

const controlledFields = {
  ...bulkFields,
  ...progressFields,
  intents_written: z.int().meta({ description: 'Lines whose call was written down by then, and may have left.' }),
  lines_stopped: z
    .int()
    .meta({ description: 'Lines of which nothing had left by then: a pause keeps them, a cancel ends them.' }),
  unknown: z.int().meta({ description: 'Lines of which nobody could tell by then whether they are paid.' }),
};

export const controlledBulkAnswer = z.object(controlledFields).meta({ id: 'ControlledBulkCashIn' });

export const retriedBulkAnswer = z
  .object({
    ...controlledFields,
    sent_again: z.array(z.object({ line: z.int(), by: z.string() })).meta({
      description: 'Failed lines that another payout pays since, and which; they stay failed. At most the first 100.',
    }),
  })
  .meta({ id: 'RetriedBulkCashIn' });

const cursor = z.string().nullable();

export const bulkErrorsAnswer = z
  .object({ data: z.array(bulkError), next_cursor: cursor })
  .meta({ id: 'BulkCashInErrors' });

export const bulkItemsAnswer = z
  .object({ data: z.array(z.object({ line: z.int(), payout: payoutAnswer })), next_cursor: cursor })
  .meta({ id: 'BulkCashInItems' });

export const bulkCheckAnswer = z
  .object({
    id: z.string(),
    object: z.literal('bulk_cash_in_check'),
    would_be_accepted: z.boolean(),
    lines: z.int(),
    needed_float: z.string(),
    needs_approval: z.boolean().meta({ description: 'By another person than the one who sends it.' }),
    currency: z.string().nullable(),
    skipped_lines: z.int(),
    routes: z.array(z.object({ method: z.string(), provider: z.string(), has_credential: z.boolean() })),
    estimated_duration_seconds: z.int().nullable().meta({
      description: 'At the least, by our limit of requests to the provider; null where there is none.',
    }),
    fees: z.null().meta({ description: 'No provider tells them.' }),
    read_as: readAs,
    same_content_as: sameContentAs,
    error_count: z.int(),
    errors: z.array(bulkError),
    ...warningFields,
    report: z.string().nullable().meta({
      description: 'Path of all errors that are kept; null where the day’s reports of the merchant are full.',
    }),
  })
  .meta({ id: 'BulkCashInCheck' });
