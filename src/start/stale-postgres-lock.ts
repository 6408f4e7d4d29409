import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processExecutable, processStartTime } from './process-identity';

/** Backends of a killed server notice its death and end; one in a long statement takes a moment. */
const BACKENDS_END_WITHIN_MS = 10_000;

/**
 * Removes the lock file of a server that was killed. PostgreSQL takes it for alive while its process id belongs to
 * anybody: to a zombie, where nobody collects dead processes (many containers), or to another program by now. It is
 * removed only when no process works in the data directory any more. Does nothing where there is no /proc.
 */
export async function removeStalePostgresLock(data: string): Promise<void> {
  const lockFile = join(data, 'postmaster.pid');
  if (!existsSync('/proc/self') || !existsSync(lockFile)) return;
  const pid = Number(readFileSync(lockFile, 'utf8').split('\n')[0]);
  const isServer = processStartTime(pid) !== undefined && basename(processExecutable(pid) ?? '') === 'postgres';
  if (isServer) return;
  const deadline = Date.now() + BACKENDS_END_WITHIN_MS;
  while (isWorkedIn(realpathSync(data))) {
    if (Date.now() > deadline)
      throw new Error(`Processes of a killed PostgreSQL still work in ${data}. End them first.`);
    await delay(50);
  }
  rmSync(lockFile, { force: true });
}

function isWorkedIn(directory: string): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === directory;
    } catch {
      return false;
    }
  });
}
