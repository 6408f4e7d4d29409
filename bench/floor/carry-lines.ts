import { setTimeout as sleep } from 'node:timers/promises';

import { inFlight } from '../in-flight';
import type { Account } from './account';
import type { FloorRun } from './contract';
import { createSlots } from './slots';

/** Lines begun and not ended: more than are ever under way at the provider, so that only its speed and ours count. */
const MOST_BEGUN = 5_000;

/** Each line: PIN encrypted, sent, asked for until it is final, told. A plain loop; nothing is written down. */
export async function carryLines(
  { lines, firstIndex, limit, gapMs }: FloorRun,
  { account, notify }: { account: Account; notify: (index: number, providerReference: string) => Promise<void> },
): Promise<void> {
  const slots = createSlots(limit);
  await inFlight(lines, MOST_BEGUN, async (offset) => {
    const index = firstIndex + offset;
    const sent = await slots.run('new', () =>
      account.post('/api/eWallet/v1/cashins', JSON.stringify(account.cashIn(index))),
    );
    const { transactionId } = JSON.parse(sent) as { transactionId: string };
    let isFinal = false;
    while (!isFinal) {
      await sleep(gapMs);
      const path = `/api/eWallet/v1/transactions/${transactionId}/status`;
      isFinal = isPaid(await slots.run('begun', () => account.get(path)));
    }
    await slots.run('begun', () => notify(index, transactionId));
  });
}

/** @throws Error where it is refused, which no line of a bench is. */
function isPaid(answer: string): boolean {
  const { status } = JSON.parse(answer) as { status: string };
  if (status === 'PENDING') return false;
  if (status !== 'SUCCESS') throw new Error(`a line ended as ${status}`);
  return true;
}
