import type { ProviderWords } from './outcome';

/** One row that a provider's search shows for a reference. */
export interface ProviderRow {
  providerReference: string;
  reference: string | null;
  status: 'success' | 'failed' | 'in_flight' | 'unmapped';
  /** Minor units. */
  amount: bigint;
  currency: string;
  /** The recipient as the provider writes it. */
  recipient: string;
  /** The paying account as the provider writes it. */
  partner: string;
  words: ProviderWords;
}

/** What we sent, in the provider's own spelling, so that a row can be held against it. */
export interface SentOrder {
  reference: string;
  amount: bigint;
  currency: string;
  recipient: string;
  partner: string;
}

export type Verdict =
  | { verdict: 'settled'; row: ProviderRow }
  | { verdict: 'rejected'; row: ProviderRow }
  | { verdict: 'in_flight'; row: ProviderRow }
  | { verdict: 'absent' }
  | { verdict: 'review'; item: 'double_credit' | 'mismatch'; row: ProviderRow };

/**
 * Reads all rows of one reference in one complete pass (rule 12): two successes are a double credit, a success that
 * differs from what was sent is a mismatch, any success wins over failures, anything in flight or unmapped is not final.
 * A negative verdict (`rejected`, `absent`) counts only when two complete passes agree; that is the caller's to hold.
 */
export function judgeRows(rows: readonly ProviderRow[], sent: SentOrder): Verdict {
  // Pages shift while they are read, so that one row may be seen twice: a transaction counts once.
  const own = [...new Map(rows.map((row) => [row.providerReference, row])).values()].filter(
    (row) => row.reference === sent.reference,
  );
  const mismatch = own.find((row) => !fits(row, sent));
  if (mismatch) return { verdict: 'review', item: 'mismatch', row: mismatch };
  const [success, second] = own.filter((row) => row.status === 'success');
  if (second) return { verdict: 'review', item: 'double_credit', row: second };
  if (success) return { verdict: 'settled', row: success };
  const open = own.find((row) => row.status === 'in_flight' || row.status === 'unmapped');
  if (open) return { verdict: 'in_flight', row: open };
  const [failed] = own;
  return failed ? { verdict: 'rejected', row: failed } : { verdict: 'absent' };
}

/** The rows of a search for many, by the reference that each names. */
export function rowsByReference(rows: readonly ProviderRow[]): ReadonlyMap<string, readonly ProviderRow[]> {
  const found = new Map<string, ProviderRow[]>();
  for (const row of rows) {
    if (row.reference === null) continue;
    const known = found.get(row.reference);
    if (known) known.push(row);
    else found.set(row.reference, [row]);
  }
  return found;
}

function fits(row: ProviderRow, sent: SentOrder): boolean {
  return (
    row.amount === sent.amount &&
    row.currency === sent.currency &&
    row.recipient === sent.recipient &&
    row.partner === sent.partner
  );
}
