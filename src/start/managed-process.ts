import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isPortFree } from './ports';
import { listeningPorts } from './process-identity';

/** What to run and how to know that it is up. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment of the child; ours when left out. */
  env?: NodeJS.ProcessEnv;
  /** The file that runs in the end, where `command` is a wrapper that becomes another program. */
  executable?: string;
  /** Port on 127.0.0.1 that must be free before and the child's own after. */
  port?: number;
  /** Asked every 100 ms until true. */
  ready?: () => Promise<boolean>;
  /** Asks for a clean end; SIGTERM when left out. */
  stopSignal?: NodeJS.Signals;
  /** User and group that the child runs as. */
  uid?: number;
  gid?: number;
}

export interface ManagedProcess {
  name: string;
  pid: number;
  /** Settles when the process has ended. */
  exited: Promise<ExitStatus>;
  hasExited: () => boolean;
  /** Sends the stop signal and waits for the end; SIGKILL after `stopTimeoutMs`. Harmless when called again. */
  close: () => Promise<void>;
}

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** Output of the child is appended here. */
  logFile: string;
  startTimeoutMs?: number;
  stopTimeoutMs?: number;
  /** Told the pid at once, before the child is ready. */
  onSpawn?: (pid: number) => void;
  /** Told when the process has ended, whatever the reason. */
  onEnd?: (pid: number) => void;
  /** Ends a start that is not ready yet. */
  signal?: AbortSignal;
}

const POLL_INTERVAL_MS = 100;

/**
 * Starts a process in a process group of its own, so that Ctrl-C reaches only us and the order of closing is ours,
 * and waits until it is ready.
 * @throws Error with the end of its log when it ends early, is not ready in time, or another process has its port; nothing
 * is left running then.
 */
export async function startProcess(spec: ProcessSpec, options: StartOptions): Promise<ManagedProcess> {
  const { startTimeoutMs = 60_000 } = options;
  if (spec.port !== undefined && !(await isPortFree(spec.port)))
    throw new Error(`Port ${spec.port} of ${spec.name} is in use.`);
  const running = await spawnLogged(spec, options);
  const fail = async (what: string): Promise<never> => {
    await running.close();
    throw new Error(`${spec.name} ${what}. The end of ${options.logFile}:\n${endOfFile(options.logFile)}`);
  };
  const deadline = Date.now() + startTimeoutMs;
  while (!((await spec.ready?.()) ?? true)) {
    if (running.hasExited()) return fail('ended before it was ready');
    if (options.signal?.aborted) {
      await running.close();
      throw new Error(`The start of ${spec.name} was broken off.`);
    }
    if (Date.now() > deadline) return fail(`was not ready within ${startTimeoutMs / 1000} s`);
    await delay(POLL_INTERVAL_MS);
  }
  if (running.hasExited()) return fail('ended at its start');
  const ports = spec.port === undefined ? undefined : listeningPorts(running.pid);
  if (ports && !ports.includes(spec.port ?? 0))
    return fail(`does not own port ${spec.port}: another process answers there`);
  return running;
}

/**
 * Runs a process to its end.
 * @throws Error with the end of its log when its exit code is not 0.
 */
export async function runProcess(spec: ProcessSpec, options: StartOptions): Promise<void> {
  const running = await spawnLogged(spec, options);
  const stop = (): void => void running.close();
  options.signal?.addEventListener('abort', stop);
  const { code, signal } = await running.exited;
  options.signal?.removeEventListener('abort', stop);
  if (code === 0) return;
  const end = endOfFile(options.logFile);
  throw new Error(
    `${spec.name} failed (${signal ?? `exit code ${code ?? '?'}`}). The end of ${options.logFile}:\n${end}`,
  );
}

async function spawnLogged(spec: ProcessSpec, options: StartOptions): Promise<ManagedProcess> {
  const { logFile, stopTimeoutMs = 30_000 } = options;
  const log = openSync(logFile, 'a');
  const identity = spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid };
  const child = spawn(spec.command, spec.args, {
    env: spec.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...identity,
  });
  closeSync(log);
  let exitStatus: ExitStatus | undefined;
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => {
      exitStatus = { code, signal };
      resolve(exitStatus);
    });
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (error) => reject(new Error(`${spec.name} cannot be run: ${error.message}`)));
  });
  options.onSpawn?.(pid);
  void exited.then(() => options.onEnd?.(pid));
  const hasExited = (): boolean => exitStatus !== undefined;
  const close = async (): Promise<void> => {
    if (hasExited()) return;
    child.kill(spec.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  };
  return { name: spec.name, pid, exited, hasExited, close };
}

function endOfFile(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
