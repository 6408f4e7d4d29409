import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds of one piece of work after another. */
export interface Trickle {
  /** Ends it once what is under way is done. @returns what each took. @throws the first error. */
  end(): Promise<readonly number[]>;
}

/**
 * A steady trickle: `lanes` begin a piece of work every `everyMs` each, evenly spread, or later where the one before is not
 * done.
 */
export function startTrickle({
  lanes,
  everyMs,
  work,
}: {
  lanes: number;
  everyMs: number;
  work: () => Promise<number>;
}): Trickle {
  const times: number[] = [];
  let isOver = false;
  const lane = async (number: number): Promise<void> => {
    await sleep((number * everyMs) / lanes);
    while (!isOver) {
      const nextAt = Date.now() + everyMs;
      times.push(await work());
      await sleep(Math.max(0, nextAt - Date.now()));
    }
  };
  const done = Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  done.catch(() => (isOver = true));
  return {
    async end() {
      isOver = true;
      await done;
      return times;
    },
  };
}
