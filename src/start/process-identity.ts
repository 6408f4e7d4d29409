import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** When a process began, in the words of this system; with the pid it names one process for ever. Undefined: no such process. */
export function processStartTime(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat')) return ps(pid, 'lstart=');
  const stat = readOrUndefined(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The command name, field 2, may hold blanks and brackets: fields are counted from its end. 22 is the start time.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isZombie = fields?.[0] === 'Z';
  return isZombie ? undefined : fields?.[19];
}

/** Full path of the program that a process runs. */
export function processExecutable(pid: number): string | undefined {
  if (!existsSync('/proc/self/exe')) return ps(pid, 'comm=');
  return readOrUndefined(() => readlinkSync(`/proc/${pid}/exe`))?.replace(/ \(deleted\)$/, '');
}

/**
 * TCP ports that a process listens on. Undefined where this system does not tell: not Linux, or another user's process.
 */
export function listeningPorts(pid: number): number[] | undefined {
  const files = readOrUndefined(() => readdirSync(`/proc/${pid}/fd`));
  if (!files) return undefined;
  const links = files.map((file) => readOrUndefined(() => readlinkSync(`/proc/${pid}/fd/${file}`)));
  const sockets = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link ?? '')?.[1]));
  return ['tcp', 'tcp6'].flatMap((table) => {
    const lines =
      readOrUndefined(() => readFileSync(`/proc/${pid}/net/${table}`, 'utf8'))
        ?.split('\n')
        .slice(1) ?? [];
    return lines.flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const isListening = state === '0A' && sockets.has(inode);
      return isListening ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : [];
    });
  });
}

function ps(pid: number, column: string): string | undefined {
  const output = readOrUndefined(() => execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }));
  return output?.trim() || undefined;
}

function readOrUndefined<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
