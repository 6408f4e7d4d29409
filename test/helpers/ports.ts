import { randomInt } from 'node:crypto';

import { isPortFree } from '../../src/start/ports';

/** Below the ports of which `npm start` takes any (src/start/ports.ts), so far below those of outgoing connections too. */
const FROM = 12_000;
const OF_EACH = 1_600;
const SLICES = 5;

/** How many of its ports this process has given, from a place by chance on: two runs on one machine begin at two places. */
let given = randomInt(OF_EACH);

/**
 * A TCP port of 127.0.0.1 that nobody listens on. Servers listen a while after their port was chosen, so each of jest's
 * workers has ports of its own and gives them one after another.
 */
export async function findFreePort(): Promise<number> {
  // Workers count from 1; what is set up before them runs in a process without a number.
  const slice = FROM + (Number(process.env['JEST_WORKER_ID'] ?? 0) % SLICES) * OF_EACH;
  for (let tries = 0; tries < OF_EACH; tries += 1) {
    const port = slice + (given % OF_EACH);
    given += 1;
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free TCP port from ${slice} to ${slice + OF_EACH - 1}.`);
}
