import type { Currency } from '../domain/currency';
import { METHODS } from '../domain/methods';
import type { MethodId } from '../domain/methods';
import { serializeAmount } from '../domain/money';
import { parseMsisdn } from '../domain/msisdn';
import type { Customer, PayoutRequest } from './schemas/payout-request';

/** A request for a payout in one spelling: two that mean the same are equal. */
export interface NormalizedPayout {
  amount: bigint;
  currency: Currency;
  method: MethodId;
  /** E.164. */
  recipient: { msisdn: string };
  customer: Customer;
  description: string;
  reference: string | null;
  uniqueReference: boolean;
  metadata: Record<string, string>;
  scheduledAt: Date | null;
}

export function normalizePayout(request: PayoutRequest): NormalizedPayout {
  const parsed = parseMsisdn(request.recipient.msisdn, METHODS[request.method].country);
  if (!parsed.ok) throw new Error('the recipient was not checked');
  return {
    amount: request.amount,
    currency: request.currency,
    method: request.method,
    recipient: { msisdn: parsed.e164 },
    customer: request.customer,
    description: request.description,
    reference: request.reference ?? null,
    uniqueReference: request.reference_unique ?? false,
    metadata: request.metadata ?? {},
    scheduledAt: request.scheduled_at ?? null,
  };
}

/** The top-level fields by their wire names, as they are compared when a key comes again; what is empty is left out. */
export function comparedFields(payout: NormalizedPayout): Record<string, unknown> {
  return {
    amount: serializeAmount(payout.amount),
    currency: payout.currency,
    method: payout.method,
    recipient: payout.recipient,
    customer: payout.customer,
    description: payout.description,
    ...(payout.reference === null ? {} : { reference: payout.reference.normalize('NFC') }),
    ...(payout.uniqueReference ? { reference_unique: true } : {}),
    ...(Object.keys(payout.metadata).length === 0 ? {} : { metadata: payout.metadata }),
    ...(payout.scheduledAt === null ? {} : { scheduled_at: payout.scheduledAt.toISOString() }),
  };
}
