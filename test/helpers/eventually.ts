import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two checks: the first ones come soon, those of a long wait cost the machine little. */
const SOONEST_MS = 20;
const LATEST_MS = 250;

/** Waits until a check answers something that holds, and returns it; throws, naming what was waited for, after a while. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  patienceMs = 120_000,
): Promise<T> {
  const startedAt = Date.now();
  for (;;) {
    const answer = await check();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > patienceMs) throw new Error(`it did not come about: ${what}`);
    await sleep(Math.min(LATEST_MS, Math.max(SOONEST_MS, waitedMs / 10)));
  }
}
