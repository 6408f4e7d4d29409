/** A line of a provider's statement. */
export interface StatementLine {
  /** 1 is the first line after the header. */
  line: number;
  reference: string;
  transactionId: string;
  amount: bigint;
  currency: string;
  recipient: string;
  status: 'success' | 'failed' | 'in_flight';
  time: Date;
}
