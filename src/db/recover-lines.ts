import type { Pool } from 'pg';

import type { Payout } from '../domain/payout';
import { applyOutcomes } from './apply-outcomes';
import { withTransaction } from './transaction';

/**
 * Lines whose call was written down and whose outcome nobody wrote, after their activity ended and `send_by` with its
 * margin has passed: unknown from here on (rule 14).
 */
export async function recoverLines(
  pool: Pool,
  { bulkId, calls }: { bulkId: string; calls: readonly { payoutId: string; submissionId: string }[] },
): Promise<readonly Payout[]> {
  if (calls.length === 0) return [];
  return await withTransaction(pool, async (trx) => {
    const recovered = await applyOutcomes(
      trx,
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
