import { readFileSync, writeFileSync } from 'node:fs';

/** From now on the peak is that of what follows. @throws Error where there is no /proc. */
export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Megabytes of resident memory that the process had at most since its start, or since `forgetPeakMemory`. */
export function readPeakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status tells no peak`);
  return Number(kilobytes) / 1_024;
}
