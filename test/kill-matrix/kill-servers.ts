import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { migrate } from '../../src/db/migrate';
import { query, startPostgres, withDatabase } from '../helpers/postgres';
import { startTemporalServer } from '../helpers/temporal-server';

/** A server of the test's own, which goes away and comes back with all that it knew. */
export interface KillServer {
  /** What a stage works with instead of the run's shared one. */
  servers: { temporal?: string; databaseUrl?: string };
  /** `stopped`: told to end, and it does; `killed`: it has no time to write anything. */
  away(how: 'stopped' | 'killed'): Promise<void>;
  back(): Promise<void>;
  close: () => Promise<void>;
}

interface Running {
  pid: number;
  close(): Promise<void>;
}

export async function startKillPostgres(): Promise<KillServer> {
  const parent = mkdtempSync(path.join(tmpdir(), 'cauri-kill-'));
  const directory = path.join(parent, 'postgres');
  const first = await startPostgres({ directory });
  await query(first.url, 'create database cauri');
  const databaseUrl = withDatabase(first.url, 'cauri');
  await migrate(databaseUrl);
  const start = (): Promise<Running> => startPostgres({ directory, port: first.port });
  return createKillServer({ servers: { databaseUrl }, first, start, directory: parent });
}

export async function startKillTemporal(): Promise<KillServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'cauri-kill-'));
  const databaseFile = path.join(directory, 'temporal.db');
  const first = await startTemporalServer({ databaseFile });
  const start = (): Promise<Running> => startTemporalServer({ databaseFile, port: first.port });
  return createKillServer({ servers: { temporal: first.address }, first, start, directory });
}

function createKillServer(options: {
  servers: KillServer['servers'];
  first: Running;
  start: () => Promise<Running>;
  directory: string;
}): KillServer {
  let running = options.first;
  return {
    servers: options.servers,
    async away(how) {
      if (how === 'killed') process.kill(running.pid, 'SIGKILL');
      await running.close();
    },
    async back() {
      running = await options.start();
    },
    async close() {
      await running.close();
      rmSync(options.directory, { recursive: true, force: true });
    },
  };
}
