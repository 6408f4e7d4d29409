import { setTimeout as sleep } from 'node:timers/promises';

import { isRestoring } from '../db/restores';
import { reconcile } from './reconcile';
import type { RestoreDeps } from './restore-deps';

/** Milliseconds between two looks whether a restore was opened, by whichever process. */
const LOOK_EVERY_MS = 5_000;

/** Reconciles whenever a restore is open, until it is closed itself. What fails is tried again; nothing is sent meanwhile. */
export function createRestoreLoop(deps: RestoreDeps): { close(): Promise<void> } {
  const stop = new AbortController();

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        if (await isRestoring(deps.pool)) await reconcile(deps);
      } catch (err) {
        deps.logger.error({ err }, 'the restore could not be reconciled; nothing is sent until it can');
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}
