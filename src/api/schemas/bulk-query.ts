import { z } from 'zod';

import { BULK_STATE_NAMES } from '../../domain/bulk-state';
import { idOf, moment, oneOf, statesOf } from './fields';
import { pageLimit } from './payout-query';

const cursor = z
  .string()
  .transform((value) => Buffer.from(value, 'base64url').toString())
  .refine((value) => idOf('bulk').safeParse(value).success, 'give the `next_cursor` of an answer as it is');

export const bulkQuery = z.strictObject({
  state: statesOf(BULK_STATE_NAMES).meta({ example: 'running,paused' }).optional(),
  created_after: moment.optional(),
  created_before: moment.optional(),
  content_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'give the SHA-256 of a file: 64 hexadecimal digits')
    .optional()
    .meta({ description: 'SHA-256 of the bytes of a file: the bulks that were made of it.' }),
  awaiting_my_approval: oneOf(['true'])
    .optional()
    .meta({ description: 'Only bulks that wait for an approval which the person of this key may give.' }),
  limit: pageLimit,
  cursor: cursor.optional().meta({ description: '`next_cursor` of the answer before.' }),
});
