import { randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The key that wraps data keys. Never used for encryption itself: a key per use is derived from it. */
export interface MasterKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** The newest first: it wraps what is new. The oldest stays in the list for ever, see `fingerprintPin` of the vault. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

const FORMAT = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/;

/** Reads `<id>:<base64 of 32 bytes>`, several parted by commas, the newest first. Throws without showing a value. */
export function parseMasterKeys(text: string, source: string): MasterKeys {
  const keys = text
    .trim()
    .split(',')
    .map((part, index): MasterKey => {
      const [, id, base64] = FORMAT.exec(part.trim()) ?? [];
      if (id === undefined || base64 === undefined) {
        throw new Error(`${source}: entry ${index + 1} is not <id>:<base64 of 32 bytes>`);
      }
      return { id, key: Buffer.from(base64, 'base64') };
    });
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new Error(`${source}: two keys have the same id`);
  return keys as [MasterKey, ...MasterKey[]];
}

/**
 * The installation's master keys: from `MASTER_KEY`, else from the file that `MASTER_KEY_FILE` names, which is made with
 * mode 600 where it is missing. Processes that start at once all get the same key.
 */
export async function loadMasterKeys(config: {
  MASTER_KEY?: string | undefined;
  MASTER_KEY_FILE?: string | undefined;
}): Promise<MasterKeys> {
  if (config.MASTER_KEY !== undefined) return parseMasterKeys(config.MASTER_KEY, 'MASTER_KEY');
  const file = config.MASTER_KEY_FILE;
  if (file === undefined) throw new Error('MASTER_KEY or MASTER_KEY_FILE must be set');
  const text = (await readIfThere(file)) ?? (await makeKeyFile(file));
  return parseMasterKeys(text, `MASTER_KEY_FILE ${file}`);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** A link to a complete file is made by one process only, and nobody ever sees half a key. */
async function makeKeyFile(file: string): Promise<string> {
  const suffix = randomBytes(6).toString('hex');
  const complete = `${file}.${suffix}`;
  const handle = await open(complete, 'wx', 0o600);
  try {
    await handle.writeFile(`${suffix}:${randomBytes(32).toString('base64')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(complete, file);
    await syncDirectory(dirname(file));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(complete);
  }
  return await readFile(file, 'utf8');
}

/** The name must outlast a power cut as well as the content: without the key nothing in the vault opens again. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown }).code === code;
}
