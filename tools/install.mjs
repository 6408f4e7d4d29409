import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from './child.mjs';
import { step } from './step.mjs';

const NETWORK_ERRORS = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i;

/** @throws Error that says which Node is needed. */
export function checkNodeVersion(root) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [major, minor] = engines.node.match(/\d+/g).map(Number);
  const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number);
  if (ourMajor > major || (ourMajor === major && ourMinor >= minor)) return;
  throw new Error(`Node ${major}.${minor} or later is needed; this is ${process.version}.`);
}

/** Installs the packages of package-lock.json unless exactly those are there. */
export async function installIfStale(root) {
  const lockFile = join(root, 'package-lock.json');
  const stampFile = join(root, 'node_modules', '.cauri-installed');
  const stamp = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  if (!isInstalledByHand(root, lockFile)) {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    await step('install packages', () => runQuietly(npm, ['ci', '--no-audit', '--no-fund'], { cwd: root })).catch(
      (error) => {
        const network = NETWORK_ERRORS.test(error.output ?? '')
          ? 'The package registry cannot be reached from here. '
          : '';
        throw new Error(`${network}The packages could not be installed.\n${error.message}`);
      },
    );
  }
  writeFileSync(stampFile, stamp);
}

/** npm writes the two files of one install in any order, at most this long apart. */
const SAME_INSTALL_MS = 5_000;

/** npm leaves this file at the end of every install; as new as the lock file, it means that `npm install` wrote both. */
function isInstalledByHand(root, lockFile) {
  const left = join(root, 'node_modules', '.package-lock.json');
  return existsSync(left) && statSync(left).mtimeMs + SAME_INSTALL_MS >= statSync(lockFile).mtimeMs;
}
