import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** User and group ids; empty: those of this process. */
export interface Identity {
  uid?: number;
  gid?: number;
}

export interface Command {
  command: string;
  args: string[];
  identity: Identity;
}

/** Whom root becomes for programs that refuse to run as root; the identity of this process for anybody else. */
export function unprivilegedIdentity(): Identity {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = ['postgres', 'nobody'].flatMap((name) => lines.filter((each) => each.startsWith(`${name}:`)))[0];
  if (line === undefined) {
    throw new Error(
      'PostgreSQL cannot run as root. Add a user "postgres" or "nobody", run as another user, or set DATABASE_URL.',
    );
  }
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * How to start `command` as `identity`, which must reach the program and `directory`. A clone under /root, or in a
 * private temporary folder, is closed to any other user; there the one capability that opens folders stays with it.
 */
export function asIdentity(identity: Identity, command: string, args: string[], directory: string): Command {
  const { uid, gid } = identity;
  if (uid === undefined || [command, directory].every((path) => isReachable(path))) return { command, args, identity };
  try {
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error(
      `PostgreSQL cannot run as root, and ${directory} is closed to other users. Move to an open folder, or set DATABASE_URL.`,
    );
  }
  // Without that bit, access(2) would not count the capability, and PostgreSQL would not find its own programs.
  const bits = '--securebits=+no_setuid_fixup';
  const user = [`--reuid=${uid}`, `--regid=${gid ?? uid}`, '--clear-groups'];
  const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return { command: 'setpriv', args: [...user, bits, ...capability, command, ...args], identity: {} };
}

/** True when every folder above `path` lets other users through. */
function isReachable(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && isReachable(parent));
}
