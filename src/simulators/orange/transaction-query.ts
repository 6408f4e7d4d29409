import { parseDateTime } from './date-time';
import { Problem, type Violation } from './problem';
import { TRANSACTION_STATUSES, type TransactionStatus } from './transaction-status';

const TRANSACTION_TYPES = ['CASHIN', 'MERCHANT_PAYMENT', 'WEB_PAYMENT'] as const;

export interface TransactionQuery {
  readonly bulkId: string | null;
  /** Milliseconds since 1970, both inclusive. */
  readonly from: number | null;
  readonly to: number | null;
  readonly reference: string | null;
  readonly transactionId: string | null;
  readonly status: TransactionStatus | null;
  readonly type: (typeof TRANSACTION_TYPES)[number] | null;
  /** From 0. */
  readonly page: number;
  readonly size: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Parses the query string or throws 28 with every violation. */
export function parseTransactionQuery(params: URLSearchParams): TransactionQuery {
  const violations: Violation[] = [];

  function read<T>(field: string, parse: (value: string) => T | undefined, message: string): T | null {
    const value = params.get(field);
    if (value === null) return null;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    violations.push({ field, message });
    return null;
  }

  const query = {
    bulkId: read('bulkId', (value) => (UUID.test(value) ? value.toLowerCase() : undefined), 'must be a uuid'),
    from: read('fromDateTime', parseDateTime, 'must be a date-time'),
    to: read('toDateTime', parseDateTime, 'must be a date-time'),
    reference: params.get('reference'),
    transactionId: params.get('transactionId'),
    status: read('status', oneOf(TRANSACTION_STATUSES), `must be one of ${TRANSACTION_STATUSES.join(', ')}`),
    type: read('type', oneOf(TRANSACTION_TYPES), `must be one of ${TRANSACTION_TYPES.join(', ')}`),
    page: read('page', integerWithin(0, Number.MAX_SAFE_INTEGER), 'must be greater than or equal to 0') ?? 0,
    size: read('size', integerWithin(1, 500), 'must be between 1 and 500') ?? 20,
  };
  if (violations.length > 0) throw new Problem(400, '28', { violations });
  return query;
}

export function integerWithin(min: number, max: number): (value: string) => number | undefined {
  return (value) => (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined);
}

function oneOf<T extends string>(names: readonly T[]): (value: string) => T | undefined {
  return (value) => names.find((name) => name === value);
}
