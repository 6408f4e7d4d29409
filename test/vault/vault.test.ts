import { randomBytes } from 'node:crypto';

import type { Pool } from 'pg';

import { newId } from '../../src/db/ids';
import { createPool } from '../../src/db/pool';
import type { MasterKeys } from '../../src/vault/master-keys';
import { createVault } from '../../src/vault/vault';
import type { Vault } from '../../src/vault/vault';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';

const older = { id: 'k1', key: randomBytes(32) };
const newer = { id: 'k2', key: randomBytes(32) };
const SECRET = 'client-secret-4711';

describe('the vault', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 10, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  /** Like a process of its own: it shares nothing in memory with another. */
  function openVault(...masterKeys: MasterKeys): Vault {
    return createVault({ pool, masterKeys });
  }

  async function newMerchant(): Promise<string> {
    const id = newId('mer');
    await pool.query('insert into merchants (id, name) values ($1, $1)', [id]);
    return id;
  }

  async function dataKeys(merchantId: string): Promise<{ id: string; master_key_id: string; wrapped: Buffer }[]> {
    const { rows } = await pool.query('select * from data_keys where merchant_id = $1 order by created_at', [
      merchantId,
    ]);
    return rows as { id: string; master_key_id: string; wrapped: Buffer }[];
  }

  test('opens what it sealed, in another process too, and stores nothing in clear', async () => {
    const merchant = await newMerchant();
    const sealed = await openVault(older).seal(merchant, 'credential', SECRET);
    expect(sealed.includes(SECRET)).toBe(false);
    expect(await openVault(older).open(merchant, 'credential', sealed)).toBe(SECRET);
  });

  test('seals the same value to other bytes each time', async () => {
    const merchant = await newMerchant();
    const vault = openVault(older);
    const [one, two] = [await vault.seal(merchant, 'pin', '1234'), await vault.seal(merchant, 'pin', '1234')];
    expect(one.equals(two)).toBe(false);
  });

  test('opens a value for no other merchant and no other purpose', async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const vault = openVault(older);
    const sealed = await vault.seal(merchant, 'pin', '1234');
    await vault.seal(other, 'pin', '1234');
    await expect(vault.open(other, 'pin', sealed)).rejects.toThrow('another merchant');
    await expect(vault.open(merchant, 'credential', sealed)).rejects.toThrow();
  });

  test('opens nothing that was changed in a single bit', async () => {
    const merchant = await newMerchant();
    const vault = openVault(older);
    const sealed = await vault.seal(merchant, 'pin', '1234');
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      await expect(vault.open(merchant, 'pin', changed)).rejects.toThrow();
    }
  });

  test('makes one data key per merchant, however many processes begin at once', async () => {
    const merchant = await newMerchant();
    const vaults = Array.from({ length: 8 }, () => openVault(older));
    const sealed = await Promise.all(vaults.map((vault) => vault.seal(merchant, 'pin', '1234')));
    expect(await dataKeys(merchant)).toHaveLength(1);
    for (const value of sealed) expect(await openVault(older).open(merchant, 'pin', value)).toBe('1234');
  });

  test('still opens old values after a data key was rotated, and seals new ones under the new key', async () => {
    const merchant = await newMerchant();
    const vault = openVault(older);
    const before = await vault.seal(merchant, 'pin', '1234');
    const fingerprint = await vault.fingerprint(merchant, 'field', 'value');
    await vault.rotateDataKey(merchant);
    const after = await vault.seal(merchant, 'pin', '1234');
    const [first, second] = await dataKeys(merchant);
    expect(before.includes(first!.id)).toBe(true);
    expect(after.includes(second!.id)).toBe(true);
    const process = openVault(older);
    expect(await process.open(merchant, 'pin', before)).toBe('1234');
    expect(await process.open(merchant, 'pin', after)).toBe('1234');
    expect(await process.fingerprint(merchant, 'field', 'value')).toEqual(fingerprint);
  });

  test('rotated by two processes at once, a merchant has one current key', async () => {
    const merchant = await newMerchant();
    const vaults = [openVault(older), openVault(older), openVault(older)];
    await vaults[0]!.seal(merchant, 'pin', '1234');
    await Promise.all(vaults.map((vault) => vault.rotateDataKey(merchant)));
    const { rows } = await pool.query('select from data_keys where merchant_id = $1 and retired_at is null', [
      merchant,
    ]);
    expect(rows).toHaveLength(1);
  });

  test('works without the older master key once all data keys were wrapped anew', async () => {
    const merchant = await newMerchant();
    const sealed = await openVault(older).seal(merchant, 'pin', '1234');
    await expect(openVault(newer).open(merchant, 'pin', sealed)).rejects.toThrow(
      'wrapped by master key k1, which is not configured',
    );
    expect(await openVault(newer, older).rewrapDataKeys()).toBeGreaterThanOrEqual(1);
    expect(await openVault(newer).open(merchant, 'pin', sealed)).toBe('1234');
    expect(await openVault(newer, older).rewrapDataKeys()).toBe(0);
    await openVault(older, newer).rewrapDataKeys();
  });

  test('refuses a wrapped key that was moved to another merchant', async () => {
    const [merchant, thief] = [await newMerchant(), await newMerchant()];
    await openVault(older).seal(merchant, 'pin', '1234');
    await openVault(older).seal(thief, 'pin', '1234');
    const [key] = await dataKeys(merchant);
    await pool.query('update data_keys set wrapped = $2 where merchant_id = $1', [thief, key!.wrapped]);
    await expect(openVault(older).seal(thief, 'pin', '1')).rejects.toThrow();
    await pool.query('delete from data_keys where merchant_id = $1', [thief]);
  });

  test('gives equal fingerprints to equal values of one merchant and purpose only', async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const vault = openVault(older);
    const print = await vault.fingerprint(merchant, 'amount', '5000');
    expect(await openVault(older).fingerprint(merchant, 'amount', '5000')).toEqual(print);
    expect(await vault.fingerprint(merchant, 'amount', '5001')).not.toEqual(print);
    expect(await vault.fingerprint(merchant, 'currency', '5000')).not.toEqual(print);
    expect(await vault.fingerprint(other, 'amount', '5000')).not.toEqual(print);
  });

  test('knows a PIN of an account again whoever holds it, also after a newer master key came', () => {
    const print = openVault(older).fingerprintPin('orange', '781234567', '1234');
    expect(openVault(newer, older).fingerprintPin('orange', '781234567', '1234')).toEqual(print);
    expect(openVault(older).fingerprintPin('orange', '781234568', '1234')).not.toEqual(print);
    expect(openVault(older).fingerprintPin('orange', '781234567', '1235')).not.toEqual(print);
    expect(openVault(newer).fingerprintPin('orange', '781234567', '1234')).not.toEqual(print);
  });
});
