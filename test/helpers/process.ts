import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { join } from 'node:path';

export interface Guard {
  /** The process ended as it should: nothing is left to do. */
  release: () => void;
}

/**
 * Ends the process `pid` and removes `directories` if this process dies first, however it dies. A shell waits on a pipe
 * that only this process holds open; it sits in a group of its own, so that Ctrl-C does not reach it.
 */
export function guardProcess(pid: number, directories: readonly string[]): Guard {
  const script =
    'cat >/dev/null; pid=$1; shift; kill -INT "$pid" 2>/dev/null; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done; rm -rf "$@"';
  const shell = spawn('sh', ['-c', script, 'guard', String(pid), ...directories], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return { release: () => shell.kill('SIGKILL') };
}

/** How to run a TypeScript file of this project in a process of its own. */
export function typescriptCommand(file: string): string[] {
  return [process.execPath, '--require', join(__dirname, '..', '..', 'tools', 'run-typescript.cjs'), file];
}
