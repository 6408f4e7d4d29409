import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endLeftovers, isSameProcess } from './end-leftovers';
import { runProcess, startProcess, type ManagedProcess, type ProcessSpec, type StartOptions } from './managed-process';
import { processExecutable, processStartTime } from './process-identity';
import { createRunFile, type ProcessRecord } from './run-file';

export interface SupervisorOptions {
  /** The list of children on disk, by which the next supervisor knows what we left. */
  runFile: string;
  /** Output of each child goes to `<name>.log` here. */
  logDirectory: string;
  /** Told in one line of a child that ended by itself. */
  report: (line: string) => void;
  /** A child that ended by itself could not be brought back. */
  onLoss: (error: Error) => void;
  /** A child that lived shorter than this is not started again, since it would only end again; 5,000 when left out. */
  shortLifeMs?: number;
}

export interface Supervisor {
  /** Ends what an earlier supervisor on the same file left; names what was ended. Call it before the first start. */
  endLeftovers: () => Promise<string[]>;
  /** The supervisor that runs on the same file now, with what it told; null: none. */
  findRunning: () => ProcessRecord | null;
  /** Tells who asks by `findRunning` where the whole is reached. */
  tellUrls: (urls: Readonly<Record<string, string>>) => void;
  /** Starts a child and keeps it up: one that ends by itself is started again. Its log is `<logDirectory>/<name>.log`. */
  start: (spec: ProcessSpec) => Promise<void>;
  /** Runs a child to its end. @throws Error when its exit code is not 0. */
  run: (spec: ProcessSpec) => Promise<void>;
  /** Breaks off starts under way and closes all children, the newest first. Harmless when called again. */
  closeAll: () => Promise<void>;
}

/** Wait before a child is started again, so that what it left (sockets, shared memory) can go. */
const RESTART_DELAY_MS = 1_000;

/** The process that owns the children, as the list on disk names it. */
const OWN: ProcessSpec = { name: 'start', command: process.execPath, args: [] };

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { runFile, logDirectory, report, onLoss, shortLifeMs = 5_000 } = options;
  const file = createRunFile(runFile);
  const broken = new AbortController();
  const running: ManagedProcess[] = [];
  const starting = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  let isOwner = false;

  function record(spec: ProcessSpec, pid: number, urls?: Readonly<Record<string, string>>): void {
    const startedAt = processStartTime(pid);
    if (startedAt === undefined) return;
    const executable = realpathSync(spec.executable ?? processExecutable(pid) ?? spec.command);
    const stopSignal = spec.stopSignal === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
    file.add({ name: spec.name, pid, startedAt, executable, port: spec.port ?? null, stopSignal, urls });
  }

  /** What each start of a child has in common: its log, its record on disk, and that closing breaks it off. */
  function optionsFor(spec: ProcessSpec): StartOptions {
    mkdirSync(logDirectory, { recursive: true });
    return {
      logFile: join(logDirectory, `${spec.name}.log`),
      onSpawn: (pid) => record(spec, pid),
      onEnd: (pid) => file.remove(pid),
      signal: broken.signal,
    };
  }

  /** Closing waits for it. */
  async function tracked(work: () => Promise<void>): Promise<void> {
    broken.signal.throwIfAborted();
    const promise = work();
    starting.add(promise);
    return promise.finally(() => starting.delete(promise));
  }

  async function startOnce(spec: ProcessSpec): Promise<void> {
    const child = await startProcess(spec, optionsFor(spec));
    // Once more: a wrapper has become the program by now.
    record(spec, child.pid);
    running.push(child);
    const startedAt = Date.now();
    void child.exited.then(async ({ code, signal }) => {
      running.splice(running.indexOf(child), 1);
      if (closing) return;
      const how = signal ?? `exit code ${code ?? '?'}`;
      try {
        if (Date.now() - startedAt < shortLifeMs) throw new Error(`${spec.name} ended (${how}) soon after its start.`);
        report(`${spec.name} ended (${how}); starting it again`);
        await delay(RESTART_DELAY_MS);
        await tracked(() => startOnce(spec));
      } catch (error) {
        if (!broken.signal.aborted) onLoss(error as Error);
      }
    });
  }

  async function close(): Promise<void> {
    broken.abort(new Error('Closing.'));
    await Promise.allSettled(starting);
    for (const child of running.toReversed()) await child.close();
    // One that never took the file leaves it to the supervisor that has it.
    if (isOwner) file.clear();
  }

  return {
    endLeftovers: async () => {
      const ended = await endLeftovers(file.read());
      file.clear();
      isOwner = true;
      record(OWN, process.pid);
      return ended;
    },
    findRunning: () => {
      const parent = file.read().find(({ name }) => name === OWN.name);
      return parent && parent.pid !== process.pid && isSameProcess(parent) ? parent : null;
    },
    tellUrls: (urls) => record(OWN, process.pid, urls),
    start: (spec) => tracked(() => startOnce(spec)),
    run: (spec) => tracked(() => runProcess(spec, optionsFor(spec))),
    closeAll: () => (closing ??= close()),
  };
}
