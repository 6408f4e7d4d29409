import type { BatchOutcome } from '../../domain/batch';
import type { Outcome } from '../../domain/outcome';
import type { Payout } from '../../domain/payout';
import type { BulkOperations } from '../../providers/provider';
import { orderOf } from './call-lines';
import type { CallWith } from './call-lines';

/** All lines in the provider's own bulk call, each with a PIN block of its own. */
export async function callBatch(
  lines: readonly Payout[],
  encryptedPins: readonly string[],
  { bulk, callbackUrl, account, token, sendBy, logger }: CallWith & { bulk: BulkOperations; callbackUrl: string },
): Promise<BatchOutcome> {
  const order = {
    lines: lines.map((line, index) => ({ ...orderOf(line), encryptedPin: encryptedPins[index] ?? '' })),
    account,
    token,
    callbackUrl,
  };
  try {
    return await bulk.submit(order, () => Promise.resolve('go'), sendBy);
  } catch (err) {
    // The port throws only before anything is connected.
    logger.error({ err }, 'a batch cannot be sent');
    return { outcome: 'not_sent', reason: 'cannot_be_sent', code: null, text: null };
  }
}

/** What the batch's outcome says of each of its lines: a batch that the provider says to refuse proves nothing of them yet. */
export function lineOutcomeOf(batch: BatchOutcome): Outcome {
  const words = { code: batch.code, text: batch.text };
  switch (batch.outcome) {
    case 'not_sent':
      return { ...words, outcome: 'not_sent', reason: batch.reason };
    case 'taken':
      return { ...words, outcome: 'accepted', providerReference: null };
    case 'refused_whole':
      return { ...words, outcome: 'unknown', reason: 'batch_refused' };
    case 'rejected':
      return { ...words, outcome: 'rejected', kind: batch.kind, remedy: batch.remedy };
    case 'unknown':
      return { ...words, outcome: 'unknown', reason: batch.reason };
    default:
      return batch satisfies never;
  }
}
