import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** No set-up takes longer; an older lock was left by a killed process whose id another one has now. */
const STALE_AFTER_MS = 15 * 60_000;

/** Runs the set-up while no other command of this clone does its own: they would take files from under each other. */
export async function withSetUpLock(root, work) {
  mkdirSync(join(root, '.cauri'), { recursive: true });
  const lockFile = join(root, '.cauri', 'set-up.lock');
  let isWaiting = false;
  while (!take(lockFile)) {
    if (!isWaiting) console.log('… another command of this clone does the set-up: waiting for it');
    isWaiting = true;
    await delay(500);
  }
  const release = () => rmSync(lockFile, { force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

/** True when the lock is ours now. The lock of a process that is gone is removed, and the next try may take it. */
function take(lockFile) {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!isAlive(lockFile)) rmSync(lockFile, { force: true });
  return false;
}

function isAlive(lockFile) {
  try {
    if (Date.now() - statSync(lockFile).mtimeMs > STALE_AFTER_MS) return false;
    process.kill(Number(readFileSync(lockFile, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
