import { writeFile } from 'node:fs/promises';

import { loadConfig } from './config';
import { createCore, createOperatorBudget } from './deps';
import { assertOwnDatabase } from './installation';
import { seedDevelopment } from './seed';
import { readDevKeys } from './start/dev-keys';

/** Makes the start-up merchant of a development machine, once, and writes its keys to DEV_KEYS_FILE. */
async function main(): Promise<void> {
  const { WEBHOOK_URL: webhookUrl, DEV_KEYS_FILE: keysFile } = process.env;
  if (webhookUrl === undefined || keysFile === undefined) throw new Error('WEBHOOK_URL and DEV_KEYS_FILE must be set');
  const core = await createCore(loadConfig(process.env), 'seed');
  try {
    await assertOwnDatabase(core);
    const deps = { ...core, budget: createOperatorBudget(core) };
    const keys = await seedDevelopment(deps, { webhookUrl, hasKeys: hasKeys(keysFile) });
    if (keys) await writeFile(keysFile, JSON.stringify(keys, null, 2), { mode: 0o600 });
  } finally {
    await core.close();
  }
}

/** False also for the file of an earlier version, which knew less keys. */
function hasKeys(keysFile: string): boolean {
  try {
    readDevKeys(keysFile);
    return true;
  } catch {
    return false;
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
