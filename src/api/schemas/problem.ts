import { z } from 'zod';

import { PROBLEM_CODES } from '../../domain/problems';

/** RFC 9457, with our members; a code may add some of its own. */
export const problemAnswer = z
  .looseObject({
    type: z.string(),
    code: z.enum(PROBLEM_CODES),
    status: z.int(),
    title: z.string(),
    detail: z.string().meta({ description: 'What to change.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().meta({ description: 'JSON pointer into the body.' }),
          parameter: z.string().optional().meta({ description: 'Parameter of the address.' }),
          header: z.string().optional(),
          line: z.int().nullable().optional().meta({ description: 'Of a bulk, from 1; null: about the whole.' }),
          row: z.int().nullable().optional().meta({ description: 'Of a CSV, as a spreadsheet counts.' }),
          reference: z.string().nullable().optional().meta({ description: 'Of the line.' }),
          field: z.string().nullable().optional().meta({ description: 'Column or member of the line.' }),
          value: z
            .string()
            .nullable()
            .optional()
            .meta({ description: 'What the field says; a phone number is masked.' }),
          code: z.string().optional(),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Every invalid field at once.' }),
    request_id: z.string(),
  })
  .meta({ id: 'Problem' });
