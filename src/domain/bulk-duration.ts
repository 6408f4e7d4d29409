import { requestBucket } from './request-rate';

/** What bounds how fast the lines of a bulk may leave. */
export interface BulkLimits {
  /** Per account and minute; null: no limit of ours. */
  requestsPerMinute: number | null;
  /** Lines that leave in one call of the provider's own; null: each by a call of its own. */
  linesPerCall: number | null;
}

/** The most lines of one bulk call, and of one page of the search that results come from. */
const LINES_AT_MOST = 500;

/**
 * Seconds that so many lines take at the least, by the limit of requests alone; null where there is no limit, since how fast
 * the provider answers is not known before. It assumes one account with nothing else to send, and the fewest requests
 * there can be: a call and one status call for each line, or a call for each batch and one page of results for each 500.
 * Lines that are still processed when they are first asked for, refused ones and lost answers take more.
 */
export function leastBulkSeconds(lines: number, { requestsPerMinute, linesPerCall }: BulkLimits): number | null {
  if (requestsPerMinute === null || lines === 0) return null;
  const requests =
    linesPerCall === null
      ? 2 * lines
      : Math.ceil(lines / Math.min(linesPerCall, LINES_AT_MOST)) + Math.ceil(lines / LINES_AT_MOST);
  const { capacity, refillPerMinute } = requestBucket(requestsPerMinute);
  return Math.max(1, Math.ceil((Math.max(0, requests - capacity) * 60) / refillPerMinute));
}
