import { z } from 'zod';

import { lineError } from './api-views';

export const problemView = z.object({
  code: z.string().default('?'),
  title: z.string().default('The API refused it'),
  detail: z.string().default(''),
  bulk_id: z.string().optional().catch(undefined),
  error_count: z.int().optional().catch(undefined),
  errors: z.array(lineError).optional().catch(undefined),
  report: z.string().nullish().catch(undefined),
});

/** The API answered, and not with what was asked for. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';

  constructor(
    readonly status: number,
    readonly problem: z.infer<typeof problemView>,
    readonly retryAfterMs: number,
  ) {
    super(`${status} ${problem.code}: ${problem.title}. ${problem.detail}`);
  }
}

/** Nobody can tell what became of the request: no connection, or one that was lost. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}
