import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { prepareEmbeddedPostgres } from '../../src/start/embedded-postgres';
import { startProcess } from '../../src/start/managed-process';
import { findFreePort } from './ports';
import { guardProcess } from './process';

/** Database of the run's server that holds the migrated schema; tests get copies of it. */
export const TEMPLATE_DATABASE = 'cauri_template';

export interface TestDatabase {
  url: string;
  /** Ends its sessions and drops it. */
  close: () => Promise<void>;
}

/** A database of one's own with all migrations applied, on the run's PostgreSQL. One per test file. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['CAURI_TEST_POSTGRES'];
  if (server === undefined)
    throw new Error('No PostgreSQL: this folder is listed in WITHOUT_SERVERS of jest.config.mjs.');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await query(server, `create database ${name} template ${TEMPLATE_DATABASE}`);
  return {
    url: withDatabase(server, name),
    close: () => query(server, `drop database ${name} with (force)`),
  };
}

/** Copies a database as it stands, ending its sessions for a moment; `restore` puts the copy in its place. */
export async function backUpDatabase(url: string): Promise<{ restore: () => Promise<void> }> {
  const name = new URL(url).pathname.slice(1);
  const copy = `${name}_backup`;
  const server = withDatabase(url, 'postgres');
  const endSessions = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  for (let tries = 1; ; tries += 1) {
    await query(server, endSessions);
    try {
      await query(server, `create database ${copy} template ${name}`);
      break;
    } catch (error) {
      // A session came back in between.
      if (tries === 50) throw error;
    }
  }
  return {
    async restore() {
      await query(server, `drop database ${name} with (force)`);
      await query(server, `alter database ${copy} rename to ${name}`);
    },
  };
}

export interface StartedPostgres {
  /** URL of the database `postgres`; a superuser. */
  url: string;
  pid: number;
  port: number;
  directory: string;
  /** Fast shutdown. Removes the directory only where this call made it. */
  close: () => Promise<void>;
}

/** Settings of a server that no test stops: it need not outlive a crash. */
const NOT_DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'].flatMap((setting) => ['-c', `${setting}=off`]);

/**
 * Starts a PostgreSQL of one's own, for tests that stop it; a `directory` of an earlier one continues that one. One that
 * is not `durable` waits for no disk.
 */
export async function startPostgres(
  options: { directory?: string; port?: number; durable?: boolean } = {},
): Promise<StartedPostgres> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'cauri-postgres-'));
  const temporary = options.directory === undefined ? [directory] : [];
  const port = options.port ?? (await findFreePort());
  const removeTemporary = async (): Promise<void> => {
    for (const path of temporary) await rm(path, { recursive: true, force: true });
  };
  try {
    const { spec, url } = await prepareEmbeddedPostgres({ directory, port });
    const args = options.durable === false ? [...spec.args, ...NOT_DURABLE] : spec.args;
    const running = await startProcess({ ...spec, args }, { logFile: join(directory, 'postgres.log') });
    const guard = guardProcess(running.pid, temporary);
    const close = async (): Promise<void> => {
      guard.release();
      await running.close();
      await removeTemporary();
    };
    return { url, pid: running.pid, port, directory, close };
  } catch (error) {
    await removeTemporary();
    throw error;
  }
}

/** The same server and user, another database. */
export function withDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
