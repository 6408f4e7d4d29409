import { insertMasterKeyCheck, listMasterKeyChecks, listWrappingMasterKeys } from '../db/master-key-checks';
import type { Db } from '../db/pool';
import { boundTo, decrypt, deriveKey, encrypt } from './cipher';
import { opensDataKey } from './data-key-ring';
import type { MasterKey, MasterKeys } from './master-keys';

const CHECK_TEXT = 'cauri';

/**
 * Whether the configured master keys are those of this database: each opens its stored check value, and none that still
 * wraps a data key is missing. A key that is new here gets its check value.
 * @returns what is wrong, in one sentence; null where nothing is.
 */
export async function findMasterKeyProblem(db: Db, masterKeys: MasterKeys): Promise<string | null> {
  const wrapping = await listWrappingMasterKeys(db);
  const missing = wrapping.filter(({ masterKeyId }) => !masterKeys.some(({ id }) => id === masterKeyId));
  if (missing.length > 0) {
    const ids = missing.map(({ masterKeyId }) => masterKeyId).join(', ');
    return `MASTER_KEY lacks the key ${ids}, under which this database holds secrets: add it after the newest key.`;
  }
  let checks = await listMasterKeyChecks(db);
  for (const key of masterKeys) {
    if (checks.has(key.id)) continue;
    // A database of before the check values knows its keys by what they wrap.
    const known = wrapping.find(({ masterKeyId }) => masterKeyId === key.id);
    if (known && !opensDataKey(key, known)) return wrongKey(key.id);
    await insertMasterKeyCheck(db, key.id, encrypt(checkingKey(key), Buffer.from(CHECK_TEXT), boundTo(key.id)));
    checks = await listMasterKeyChecks(db);
  }
  const wrong = masterKeys.find((key) => !opensCheck(key, checks.get(key.id)));
  return wrong ? wrongKey(wrong.id) : null;
}

function wrongKey(id: string): string {
  return (
    `MASTER_KEY has another key under the id ${id} than the one that this database was used with: ` +
    'set the right key, or give a new key an id of its own and put it first.'
  );
}

function opensCheck(key: MasterKey, sealed: Buffer | undefined): boolean {
  try {
    return sealed !== undefined && decrypt(checkingKey(key), sealed, boundTo(key.id)).toString() === CHECK_TEXT;
  } catch {
    return false;
  }
}

function checkingKey({ key }: MasterKey): Buffer {
  return deriveKey(key, 'master-key-check');
}
