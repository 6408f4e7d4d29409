import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

export interface Journal<E> {
  /** Returns once the operating system has the line: it survives a kill of this process, not a power cut. */
  append(event: E): void;
  /** Forgets everything written so far. */
  clear(): void;
  close(): void;
}

/** Opens the file (mode 600: it holds PINs and a private key) and hands every whole event in it to `replay`. */
export function openJournal<E>(path: string, replay: (event: E) => void): Journal<E> {
  if (existsSync(path)) {
    const wholeBytes = replayLines(readFileSync(path), (line) => replay(JSON.parse(line) as E));
    truncateSync(path, wholeBytes);
  }
  const file = openSync(path, 'a', 0o600);
  return {
    append: (event) => {
      writeSync(file, `${JSON.stringify(event)}\n`);
    },
    clear: () => truncateSync(path, 0),
    close: () => closeSync(file),
  };
}

/** A last line without its end was cut off by a kill in the middle of its write: no answer had left for it. */
function replayLines(bytes: Buffer, replay: (line: string) => void): number {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(10, start);
    if (end === -1) return start;
    replay(bytes.toString('utf8', start, end));
    start = end + 1;
  }
}
