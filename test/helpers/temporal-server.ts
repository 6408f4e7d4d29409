import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { startProcess } from '../../src/start/managed-process';
import { describeDevServer, type DevServerOptions } from '../../src/temporal/dev-server';
import { resolveTemporalCli, resolveTimeSkippingServer } from '../../src/temporal/server-resolver';
import { findFreePort } from './ports';
import { guardProcess } from './process';

const BIN_DIRECTORY = join(__dirname, '..', '..', '.cauri', 'bin');

/** Address of the run's dev server (namespace `default`, in memory), shared by all test files. */
export function temporalAddress(): string {
  const address = process.env['CAURI_TEST_TEMPORAL'];
  if (address === undefined)
    throw new Error('No Temporal: this folder is listed in WITHOUT_SERVERS of jest.config.mjs.');
  return address;
}

/** A name that no other test file uses: for task queues, workflow ids and schedule ids on the shared server. */
export function uniqueName(stem: string): string {
  return `${stem}-${randomBytes(6).toString('hex')}`;
}

export interface StartedTemporalServer {
  address: string;
  pid: number;
  port: number;
  close: () => Promise<void>;
}

export type StartTemporalServerOptions = Partial<Pick<DevServerOptions, 'port' | 'databaseFile' | 'ui'>>;

/** Starts a dev server of one's own, for tests that stop it; on `databaseFile` it goes on where the last one ended. */
export async function startTemporalServer(options: StartTemporalServerOptions = {}): Promise<StartedTemporalServer> {
  const { path } = await resolveTemporalCli({ env: process.env, binDirectory: BIN_DIRECTORY, report });
  const logs = mkdtempSync(join(tmpdir(), 'cauri-temporal-'));
  const port = options.port ?? (await findFreePort());
  const server = describeDevServer({ ...options, executable: path, port });
  const running = await startProcess(server, { logFile: join(logs, 'temporal.log') });
  const guard = guardProcess(running.pid, [logs]);
  const close = async (): Promise<void> => {
    guard.release();
    await running.close();
    await rm(logs, { recursive: true, force: true });
  };
  return { address: server.address, pid: running.pid, port, close };
}

/**
 * A server that skips time, for one test file: call `teardown()` in `afterAll`. It knows no list, count, schedules,
 * rate limits or worker crashes.
 */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const { path } = await resolveTimeSkippingServer({ env: process.env, binDirectory: BIN_DIRECTORY, report });
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
