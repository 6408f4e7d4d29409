import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { mergeOutcomes } from './apply-outcomes';
import type { OnRefused } from './refusals';
import { sparingLines } from './sparing-lines';

export interface SilentCalls {
  bulkId: string;
  calls: readonly { payoutId: string; submissionId: string }[];
  onRefused: OnRefused;
}

/**
 * Lines whose call was written down and whose outcome nobody wrote, after their activity ended and `send_by` with its
 * margin has passed: unknown from here on (rule 14).
 */
export async function recoverLines(pool: Pool, { bulkId, calls, onRefused }: SilentCalls): Promise<readonly Payout[]> {
  if (calls.length === 0) return [];
  return await sparingLines(pool, onRefused, async (trx, spare) => {
    const recovered = await mergeOutcomes(
      trx,
      spare,
      bulkId,
      calls.map((call) => ({
        ...call,
        outcome: { outcome: 'unknown', reason: 'no_outcome_written', code: null, text: null },
        source: 'recovery',
        sourceId: null,
        backOffMs: 0,
        watchMs: 0,
      })),
    );
    return [...recovered.values()];
  });
}
