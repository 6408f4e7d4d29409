/** The part of a minute's requests that may come at once; the rest flows evenly, so that no minute sees more than its limit. */
const BURST_SHARE = 0.2;

/** A bucket that grants at most `perMinute` requests in any minute: it holds a fifth of them and refills with the others. */
export function requestBucket(perMinute: number): { capacity: number; refillPerMinute: number } {
  const capacity = Math.max(1, Math.floor(perMinute * BURST_SHARE));
  return { capacity, refillPerMinute: Math.max(perMinute - capacity, 1) };
}
