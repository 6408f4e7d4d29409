import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadMasterKeys, parseMasterKeys } from '../../../src/vault/master-keys';

const base64 = (): string => randomBytes(32).toString('base64');

describe('master keys', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cauri-keys-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('are read in their order, the newest first', () => {
    const [newer, older] = [base64(), base64()];
    const keys = parseMasterKeys(`k2:${newer}, k1:${older}\n`, 'MASTER_KEY');
    expect(keys.map(({ id, key }) => [id, key.toString('base64')])).toEqual([
      ['k2', newer],
      ['k1', older],
    ]);
  });

  test.each([
    ['no id', base64()],
    ['a short key', `k1:${randomBytes(16).toString('base64')}`],
    ['an empty text', ''],
    ['an id twice', `k1:${base64()},k1:${base64()}`],
  ])('with %s are refused, and the message shows no value', (_what, text) => {
    const refusal = (): unknown => parseMasterKeys(text, 'MASTER_KEY');
    expect(refusal).toThrow(/^MASTER_KEY: /);
    try {
      refusal();
    } catch (error) {
      for (const part of text.split(/[,:]/)) if (part.length > 8) expect(String(error)).not.toContain(part);
    }
  });

  test('come from the variable where both are given', async () => {
    const key = base64();
    const [first] = await loadMasterKeys({ MASTER_KEY: `env:${key}`, MASTER_KEY_FILE: join(directory, 'none') });
    expect(first.id).toBe('env');
    expect(await readdir(directory)).toEqual([]);
  });

  test('are made once, readable by their owner only, when many processes start at once', async () => {
    const file = join(directory, 'master-key');
    const loaded = await Promise.all(Array.from({ length: 12 }, () => loadMasterKeys({ MASTER_KEY_FILE: file })));
    const distinct = new Set(loaded.map(([{ id, key }]) => `${id}:${key.toString('base64')}`));
    expect(distinct.size).toBe(1);
    expect([...distinct][0]).toBe((await readFile(file, 'utf8')).trim());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['master-key']);
  });

  test('of an existing file are kept as they are', async () => {
    const file = join(directory, 'master-key');
    const text = `given:${base64()}\n`;
    await writeFile(file, text);
    await chmod(file, 0o400);
    const [first] = await loadMasterKeys({ MASTER_KEY_FILE: file });
    expect(first.id).toBe('given');
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});
