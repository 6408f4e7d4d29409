import type { ErrorMeaning, OrangeCode } from './outcome-table';
import { CODE_MEANINGS, HTTP_MEANINGS } from './outcome-table';

/** The three statuses of a batch, as the provider's specification v1.1.0 lists them. */
export const ORANGE_BULK_STATUSES = ['PENDING', 'REJECTED', 'TERMINATED'] as const;

export type OrangeBulkStatus = (typeof ORANGE_BULK_STATUSES)[number];

/**
 * Error codes that concern the request, not one of its lines: the caller, the gateway, the rate, the key and PIN that all
 * lines share, a header or the body as a whole. With them no line was looked at.
 */
const OF_THE_REQUEST: readonly OrangeCode[] = ['9', '10', '11', '60', '61', '4003', '2010', '2011', '2012', '2013'];

/** Ours to mend, not a line's fault: its lines wait instead of failing. */
const OF_OUR_CALL: readonly OrangeCode[] = ['21', '25', '26', '27', '28'];

const BY_ONE_LINE: ErrorMeaning = { outcome: 'unknown', reason: 'refused_for_a_line' };
const OUR_CALL: ErrorMeaning = { outcome: 'rejected', kind: 'credential', remedy: null };

/**
 * What an error answer to a bulk call means for its lines. The specification does not say whether a batch in which one line
 * is bad is refused whole: a code that may concern one line (recipient, balance, ceiling, a field) proves nothing of the
 * others.
 */
export function bulkMeaningOf(code: OrangeCode, http: number): ErrorMeaning | null {
  const line = CODE_MEANINGS[code];
  if (line.http !== http) return null;
  if (OF_OUR_CALL.includes(code)) return OUR_CALL;
  return line.meaning.outcome === 'unknown' || OF_THE_REQUEST.includes(code) ? line.meaning : BY_ONE_LINE;
}

/** Answers of the gateway, which come before the API reads the body. */
export function bulkMeaningOfHttp(http: number): ErrorMeaning | null {
  return http in HTTP_MEANINGS ? HTTP_MEANINGS[http as keyof typeof HTTP_MEANINGS] : null;
}

export function isOrangeBulkStatus(status: string): status is OrangeBulkStatus {
  return (ORANGE_BULK_STATUSES as readonly string[]).includes(status);
}
