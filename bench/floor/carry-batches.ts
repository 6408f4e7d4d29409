import { setTimeout as sleep } from 'node:timers/promises';

import { inFlight } from '../in-flight';
import { referenceOf } from './account';
import type { Account } from './account';
import type { FloorRun } from './contract';
import { createSlots } from './slots';

/** Lines of one call, and rows of one page: the provider's most. */
const BATCH = 500;

/** Webhooks under way at once. */
const NOTICES_AT_ONCE = 64;

interface Row {
  transactionId: string;
  reference: string;
  status: string;
}

/** The provider's own bulk call: a PIN encrypted per line, one call per batch, its search until all rows are final, each line told. */
export async function carryBatches(
  { lines, firstIndex, limit, gapMs }: FloorRun,
  { account, notify }: { account: Account; notify: (index: number, providerReference: string) => Promise<void> },
): Promise<void> {
  const slots = createSlots(NOTICES_AT_ONCE);
  await inFlight(Math.ceil(lines / BATCH), limit, async (batch) => {
    const first = firstIndex + batch * BATCH;
    const size = Math.min(BATCH, firstIndex + lines - first);
    const indexes = Array.from({ length: size }, (_, offset) => first + offset);
    const answer = await account.post(
      '/api/eWallet/v1/bulkcashins',
      JSON.stringify(indexes.map((index) => account.cashIn(index))),
      { 'x-callback-url': 'https://nobody.cauri.test/floor' },
    );
    const { bulkId } = JSON.parse(answer) as { bulkId: string };
    const rows = await untilAllPaid(bulkId, size);
    await Promise.all(
      indexes.map((index) =>
        slots.run('begun', () => {
          const row = rows.get(referenceOf(index));
          if (!row) throw new Error(`no row of ${referenceOf(index)}`);
          return notify(index, row.transactionId);
        }),
      ),
    );
  });

  async function untilAllPaid(bulkId: string, size: number): Promise<ReadonlyMap<string, Row>> {
    const paid = new Map<string, Row>();
    while (paid.size < size) {
      await sleep(gapMs);
      for (let page = 0, isLast = false; !isLast && paid.size < size; page += 1) {
        const path = `/api/eWallet/v1/transactions?bulkId=${bulkId}&size=${BATCH}&page=${page}`;
        const rows = JSON.parse(await account.get(path)) as Row[];
        for (const row of rows) {
          if (row.status === 'SUCCESS') paid.set(row.reference, row);
          else if (row.status !== 'PENDING') throw new Error(`a line ended as ${row.status}`);
        }
        isLast = rows.length < BATCH;
      }
    }
    return paid;
  }
}
