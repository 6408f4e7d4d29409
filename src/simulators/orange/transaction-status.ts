/** The eight statuses that Orange's transaction schema knows. */
export const TRANSACTION_STATUSES = [
  'ACCEPTED',
  'CANCELLED',
  'FAILED',
  'INITIATED',
  'PENDING',
  'PRE_INITIATED',
  'REJECTED',
  'SUCCESS',
] as const;
export type TransactionStatus = (typeof TRANSACTION_STATUSES)[number];

const FINAL: ReadonlySet<TransactionStatus> = new Set(['SUCCESS', 'FAILED', 'REJECTED', 'CANCELLED']);

export function isFinal(status: TransactionStatus): boolean {
  return FINAL.has(status);
}
