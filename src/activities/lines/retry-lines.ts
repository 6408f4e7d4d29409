import { isBulkRetrying } from '../../db/bulk-rows';
import { listFailedLines } from '../../db/failed-lines';
import { retryBulkLines } from '../../db/retry-bulk-lines';
import type { FailedLine } from '../../db/retry-bulk-lines';
import { whileBeating } from '../beating';
import { isNegative } from '../look-up-round';
import type { LineDeps } from './line-deps';
import { createLineSearch } from './search-lines';
import type { SoughtLine } from './search-lines';

/** Lines that are looked for together: bounds what is in memory at once. */
const AT_ONCE = 5_000;

/**
 * Takes the failed lines of a bulk back that is being retried. Before that every call that was ever made for any of them is
 * looked for once more; a line of which the provider shows anything but a refusal is left out. Throws `ProviderError`
 * where a provider cannot be asked; then nothing is taken back.
 */
export function createRetryFailedLines(deps: LineDeps): (bulkId: string) => Promise<void> {
  const { pool } = deps;

  return async (bulkId) => {
    if (!(await isBulkRetrying(pool, bulkId))) return;
    await whileBeating(async () => retryBulkLines(pool, bulkId, await lookForAll(bulkId), deps.bulks));
  };

  async function lookForAll(bulkId: string): Promise<readonly FailedLine[]> {
    const search = createLineSearch(deps, bulkId);
    const clear: FailedLine[] = [];
    let after = 0;
    for (;;) {
      const { lines, last } = await listFailedLines(pool, bulkId, { after, limit: AT_ONCE });
      if (last === null) return clear;
      after = last;
      const calls = lines.flatMap(({ payout, submissions }) =>
        submissions.filter(({ kind }) => kind === 'call').map((submission): SoughtLine => ({ payout, submission })),
      );
      const unclear = new Set<string>();
      for (const credentialId of new Set(calls.map(({ submission }) => submission.credentialId))) {
        const some = calls.filter(({ submission }) => submission.credentialId === credentialId);
        const verdicts = await search.lookAgain(some);
        for (const [index, verdict] of verdicts.entries()) {
          const line = some[index];
          if (line && !isNegative(verdict)) unclear.add(line.payout.id);
        }
      }
      for (const { payout } of lines) {
        if (!unclear.has(payout.id)) clear.push({ payoutId: payout.id, version: payout.version });
      }
    }
  }
}
