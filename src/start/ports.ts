import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768, others from 49152): one of those may be taken
 * between the choice and its use.
 */
const FROM = 20_000;
const TO = 32_768;

/** Whoever asked for one of these may not listen yet. */
const given = new Set<number>();

/**
 * A TCP port of 127.0.0.1 that nobody listens on at this moment, by chance; none twice in this process.
 * @throws Error when none was met.
 */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(FROM, TO);
    if (given.has(port)) continue;
    given.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free TCP port from ${FROM} to ${TO - 1}.`);
}

/** True when 127.0.0.1 would give us this port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
