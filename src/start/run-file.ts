import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const record = z.object({
  name: z.string(),
  pid: z.number().int().positive(),
  /** As `processStartTime` tells it. */
  startedAt: z.string(),
  /** Full path of the program. */
  executable: z.string(),
  /** Port on 127.0.0.1 that the process listens on; null: none. */
  port: z.number().int().nullable(),
  stopSignal: z.enum(['SIGTERM', 'SIGINT']),
  /** Where the whole stack is reached, with the name of each; of the parent only, once all is up. */
  urls: z.record(z.string(), z.string()).optional(),
});

/** Enough of a process to know it again after we died. */
export type ProcessRecord = z.infer<typeof record>;

export interface RunFile {
  /** What the last owner left, oldest first; empty where there is no readable file. */
  read: () => ProcessRecord[];
  /** Replaces an entry of the same pid. */
  add: (entry: ProcessRecord) => void;
  remove: (pid: number) => void;
  /** Forgets all and deletes the file. */
  clear: () => void;
}

/** The list of running children on disk; each change is on disk when the call returns, whole or not at all. */
export function createRunFile(path: string): RunFile {
  let entries: ProcessRecord[] = [];
  const write = (): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, `${JSON.stringify(entries, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  };
  return {
    read: () => {
      try {
        return z.array(record).parse(JSON.parse(readFileSync(path, 'utf8')));
      } catch {
        return [];
      }
    },
    add: (entry) => {
      const isKnown = entries.some(({ pid }) => pid === entry.pid);
      entries = isKnown ? entries.map((each) => (each.pid === entry.pid ? entry : each)) : [...entries, entry];
      write();
    },
    remove: (pid) => {
      entries = entries.filter((entry) => entry.pid !== pid);
      write();
    },
    clear: () => {
      entries = [];
      rmSync(path, { force: true });
    },
  };
}
