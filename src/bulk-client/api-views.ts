import { z } from 'zod';

/** What the client reads of a bulk. What a newer API adds is not looked at, and what it may leave out may be missing. */
export const bulkView = z.object({
  id: z.string(),
  state: z.string(),
  reason: z.string(),
  currency: z.string().nullable(),
  lines: z.int(),
  /** Minor units. */
  total: z.string(),
  skipped_lines: z.int(),
  created_by: z.string().optional(),
  scheduled_at: z.string().nullable(),
  received_at: z.string(),
  content_sha256: z.string().nullable(),
  /** Lines that come to rest per minute. */
  rate: z.number().nullish().catch(null),
  estimated_end: z.string().nullish().catch(null),
  /** Minor units; null but where the bulk waits for float. */
  missing_amount: z.string().regex(/^\d+$/).nullish().catch(null),
  approval: z.object({ expires_at: z.string().nullish(), reason: z.string().nullish() }).nullish().catch(null),
  progress: z.record(z.string(), z.object({ lines: z.int(), amount: z.string() })).default({}),
});

/** A line that is not at an end, as far as it is shown. */
export const itemsView = z.object({
  data: z.array(
    z.object({
      line: z.int(),
      payout: z.object({ state: z.string(), reason: z.string(), retry_at: z.string().nullish().catch(null) }),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export type ItemsView = z.infer<typeof itemsView>;

export type BulkView = z.infer<typeof bulkView>;

export const bulksView = z.object({ data: z.array(bulkView), next_cursor: z.string().nullable() });

export const lineError = z.object({
  line: z.int().nullable(),
  row: z.int().nullable(),
  reference: z.string().nullable(),
  field: z.string().nullable(),
  value: z.string().nullable(),
  code: z.string(),
  detail: z.string(),
});

/** An error of a file: where, and what to change. */
export type LineError = z.infer<typeof lineError>;

/** What refuses nothing and is worth a look. */
const warningFields = { warning_count: z.int().default(0), warnings: z.array(lineError).default([]) };

export const acceptedView = bulkView.extend({ same_content_as: z.string().nullable(), ...warningFields });

export type AcceptedView = z.infer<typeof acceptedView>;

export const checkView = z.object({
  id: z.string(),
  would_be_accepted: z.boolean(),
  lines: z.int(),
  needed_float: z.string(),
  currency: z.string().nullable(),
  skipped_lines: z.int(),
  routes: z.array(z.object({ method: z.string(), provider: z.string(), has_credential: z.boolean() })),
  same_content_as: z.string().nullable(),
  error_count: z.int(),
  errors: z.array(lineError),
  report: z.string().nullish(),
  ...warningFields,
  needs_approval: z.boolean().default(false),
  estimated_duration_seconds: z.number().nullish().catch(null),
});

/** What would happen to a file that was only checked. */
export type CheckView = z.infer<typeof checkView>;
