import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a check answers something that holds, and returns it; throws, naming what was waited for, after a while. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  patienceMs = 120_000,
): Promise<T> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const answer = await check();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > giveUpAt) throw new Error(`it did not come about: ${what}`);
    await sleep(50);
  }
}
