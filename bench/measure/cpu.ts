import { readFileSync, readdirSync } from 'node:fs';

/** Ticks of /proc/<pid>/stat per second; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  parent: number;
  /** User and system time of the process itself. */
  own: number;
  /** Of its children that have ended and were waited for. */
  ended: number;
}

/** Seconds of CPU that each named process has used so far, with its children; this process without. Empty where there is no /proc. */
export function readCpuSeconds(pids: Readonly<Record<string, number>>): Record<string, number> {
  const all = readAll();
  const total = (pid: number): number => {
    const times = all.get(pid);
    if (!times) return 0;
    let ticks = times.own;
    if (pid === process.pid) return ticks;
    ticks += times.ended;
    for (const [child, { parent }] of all) if (parent === pid) ticks += total(child);
    return ticks;
  };
  if (all.size === 0) return {};
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, total(pid) / TICKS_PER_SECOND]));
}

function readAll(): Map<number, ProcessTimes> {
  const times = new Map<number, ProcessTimes>();
  for (const name of listProc()) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The program's name stands in brackets and may hold anything; what follows it are numbers.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const field = (number: number): number => Number(fields[number - 3]);
      times.set(Number(name), { parent: field(4), own: field(14) + field(15), ended: field(16) + field(17) });
    } catch {
      // Ended between the two reads.
    }
  }
  return times;
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
