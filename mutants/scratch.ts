import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import type { Mutation } from './mutate';

/** A copy of the repository in which one file at a time is changed. The installed packages are linked, nothing is built. */
export interface Scratch {
  directory: string;
  /** Writes a changed file; returns what puts the original back. */
  put(mutation: Mutation): () => void;
  close(): void;
}

const NOT_COPIED = ['.git', '.cauri', 'node_modules', 'dist', 'coverage'];

export function createScratch(root: string): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'cauri-mutants-'));
  cpSync(root, directory, { recursive: true, filter: (source) => !NOT_COPIED.includes(basename(source)) });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return {
    directory,
    put({ file, text }) {
      const path = join(directory, file);
      const original = readFileSync(path);
      writeFileSync(path, text);
      return () => writeFileSync(path, original);
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
