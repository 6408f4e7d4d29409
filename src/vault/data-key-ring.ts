import { randomBytes } from 'node:crypto';

import type { Pool } from 'pg';

import {
  findCurrentDataKey,
  findDataKey,
  findFirstDataKey,
  insertDataKey,
  listDataKeysNotUnder,
  retireDataKey,
  updateWrapping,
} from '../db/data-keys';
import type { WrappedDataKey } from '../db/data-keys';
import { newId } from '../db/ids';
import type { Db } from '../db/pool';
import { withTransaction } from '../db/transaction';
import { boundTo, decrypt, deriveKey, encrypt } from './cipher';
import type { MasterKey, MasterKeys } from './master-keys';

/** A merchant's data key, open in memory. */
export interface DataKey {
  id: string;
  merchantId: string;
  /** 32 bytes. */
  key: Buffer;
}

export interface DataKeyRing {
  /** The key that seals what is new; made at a merchant's first use. */
  current(merchantId: string): Promise<DataKey>;
  /** The key that the merchant began with; made at its first use. It never changes. */
  first(merchantId: string): Promise<DataKey>;
  byId(id: string): Promise<DataKey>;
  /** Gives the merchant a new current key. What older keys sealed still opens. */
  rotate(merchantId: string): Promise<void>;
  /** Wraps every data key under the newest master key; returns how many were not. */
  rewrap(): Promise<number>;
}

/** For so long a process may seal under a key that another process has retired; such values open as any other. */
const CURRENT_FOR_MS = 60_000;

const REWRAP_BATCH = 200;

/** Keeps data keys open in memory, 32 bytes per merchant and rotation, for the life of the process. */
export function createDataKeyRing({ pool, masterKeys }: { pool: Pool; masterKeys: MasterKeys }): DataKeyRing {
  const wrapping = new Map(masterKeys.map((master) => [master.id, wrappingKey(master)]));
  const newest = masterKeys[0];
  const opened = new Map<string, DataKey>();
  const firsts = new Map<string, DataKey>();
  const currents = new Map<string, { key: DataKey; until: number }>();

  function wrap({ id, merchantId, key }: DataKey): WrappedDataKey {
    const wrapped = encrypt(wrappingKey(newest), key, boundTo(id, merchantId));
    return { id, merchantId, masterKeyId: newest.id, wrapped };
  }

  function unwrap({ id, merchantId, masterKeyId, wrapped }: WrappedDataKey): DataKey {
    const known = opened.get(id);
    if (known) return known;
    const master = wrapping.get(masterKeyId);
    if (!master) throw new Error(`data key ${id} is wrapped by master key ${masterKeyId}, which is not configured`);
    const key = { id, merchantId, key: decrypt(master, wrapped, boundTo(id, merchantId)) };
    opened.set(id, key);
    return key;
  }

  async function makeKey(db: Db, merchantId: string): Promise<void> {
    await insertDataKey(db, wrap({ id: newId('dk'), merchantId, key: randomBytes(32) }));
  }

  async function findOrMake(
    merchantId: string,
    find: (db: Db, merchantId: string) => Promise<WrappedDataKey | null>,
  ): Promise<DataKey> {
    let stored = await find(pool, merchantId);
    if (!stored) {
      await makeKey(pool, merchantId);
      stored = await find(pool, merchantId);
    }
    if (!stored) throw new Error(`merchant ${merchantId} has no data key`);
    return unwrap(stored);
  }

  return {
    async current(merchantId) {
      const cached = currents.get(merchantId);
      if (cached && cached.until > Date.now()) return cached.key;
      const key = await findOrMake(merchantId, findCurrentDataKey);
      currents.set(merchantId, { key, until: Date.now() + CURRENT_FOR_MS });
      return key;
    },

    async first(merchantId) {
      const cached = firsts.get(merchantId);
      if (cached) return cached;
      const key = await findOrMake(merchantId, findFirstDataKey);
      firsts.set(merchantId, key);
      return key;
    },

    async byId(id) {
      const cached = opened.get(id);
      if (cached) return cached;
      const stored = await findDataKey(pool, id);
      if (!stored) throw new Error(`data key ${id} does not exist`);
      return unwrap(stored);
    },

    async rotate(merchantId) {
      const { id } = await findOrMake(merchantId, findCurrentDataKey);
      await withTransaction(pool, async (trx) => {
        if (await retireDataKey(trx, id)) await makeKey(trx, merchantId);
      });
      currents.delete(merchantId);
    },

    async rewrap() {
      let rewrapped = 0;
      for (;;) {
        const batch = await listDataKeysNotUnder(pool, newest.id, REWRAP_BATCH);
        if (batch.length === 0) return rewrapped;
        for (const stored of batch) await updateWrapping(pool, wrap(unwrap(stored)));
        rewrapped += batch.length;
      }
    },
  };
}

/** Whether a master key is the one that wrapped a data key. */
export function opensDataKey(
  master: MasterKey,
  stored: Pick<WrappedDataKey, 'id' | 'merchantId' | 'wrapped'>,
): boolean {
  try {
    decrypt(wrappingKey(master), stored.wrapped, boundTo(stored.id, stored.merchantId));
    return true;
  } catch {
    return false;
  }
}

function wrappingKey({ key }: MasterKey): Buffer {
  return deriveKey(key, 'data-key-wrapping');
}
