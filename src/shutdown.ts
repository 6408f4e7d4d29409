import { setTimeout as sleep } from 'node:timers/promises';

/** Settles with the signal's name when the process is told to stop; a second signal ends it at once. */
export async function untilToldToStop(): Promise<NodeJS.Signals> {
  return await new Promise((resolve) => {
    let told = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (told) process.exit(1);
      told = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** Waits for all that is closing; throws, when all have ended, for those that did not end well. */
export async function allClosed(closing: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(closing);
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as Error).message] : []));
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

/** The same end, but a failure where it takes longer than the grace. */
export async function withinGrace(name: string, graceMs: number, closing: Promise<void>): Promise<void> {
  const late = new AbortController();
  const gaveUp = sleep(graceMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`${name} did not end within ${graceMs} ms`);
  });
  try {
    await Promise.race([closing, gaveUp]);
  } finally {
    late.abort();
  }
}
