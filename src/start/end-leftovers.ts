import { setTimeout as delay } from 'node:timers/promises';
import { listeningPorts, processExecutable, processStartTime } from './process-identity';
import type { ProcessRecord } from './run-file';

/** A process that gets its stop signal has this long, then SIGKILL. */
const STOP_TIMEOUT_MS = 40_000;

/**
 * Ends those of an earlier run that are still the very processes recorded: same pid, start time, program and port. One
 * after the other, the oldest first: that is the parent, which closes its children in order if it still can; the
 * others, newest first.
 * @returns names of what was ended.
 */
export async function endLeftovers(records: readonly ProcessRecord[]): Promise<string[]> {
  const ended: string[] = [];
  const [parent, ...children] = records;
  for (const entry of parent ? [parent, ...children.reverse()] : []) {
    if (!isSameProcess(entry)) continue;
    await endProcess(entry);
    ended.push(entry.name);
  }
  return ended;
}

/** Whether the very process of a record still runs. */
export function isSameProcess({ pid, startedAt, executable, port }: ProcessRecord): boolean {
  if (processStartTime(pid) !== startedAt || processExecutable(pid) !== executable) return false;
  const ports = port === null ? undefined : listeningPorts(pid);
  // One that listens on nothing was caught at its start or is half closed: the other marks name it for sure.
  return ports === undefined || ports.length === 0 || ports.includes(port ?? 0);
}

async function endProcess({ pid, startedAt, stopSignal }: ProcessRecord): Promise<void> {
  const isAlive = (): boolean => processStartTime(pid) === startedAt;
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  signalIfAlive(pid, stopSignal);
  while (isAlive()) {
    if (Date.now() > deadline) signalIfAlive(pid, 'SIGKILL');
    await delay(50);
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
