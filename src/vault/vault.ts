import { createHmac } from 'node:crypto';

import type { Pool } from 'pg';

import type { Sealing } from '../domain/sealing';
import { boundTo, decrypt, deriveKey, encrypt } from './cipher';
import { createDataKeyRing } from './data-key-ring';
import type { MasterKeys } from './master-keys';
import { parseSealed, serializeSealed } from './sealed-value';

export interface Vault extends Sealing {
  /**
   * A keyed hash of a PIN: equal for equal PINs of one account, whichever merchant's credential holds them, since the
   * tries belong to the account (rule 8). Its key comes from the oldest configured master key, so that it stays equal
   * when a newer one is put before it. Taking the oldest key out of the configuration makes every stored PIN hash
   * unknown: refused PINs could then be tried once more, so it stays.
   */
  fingerprintPin(provider: string, accountNumber: string, pin: string): Buffer;
  /** Gives a merchant a new data key; values sealed under older ones still open. */
  rotateDataKey(merchantId: string): Promise<void>;
  /** Wraps all data keys under the newest master key. Returns how many were wrapped by another. */
  rewrapDataKeys(): Promise<number>;
}

/**
 * Envelope encryption: AES-256-GCM under a data key per merchant, itself wrapped by the master key. The data key is made
 * at a merchant's first use, whose row must have been committed. 2³² values may be sealed under one data key.
 */
export function createVault({ pool, masterKeys }: { pool: Pool; masterKeys: MasterKeys }): Vault {
  const ring = createDataKeyRing({ pool, masterKeys });
  const hashingKeys = new WeakMap<Buffer, Buffer>();
  const hashingKeyOf = (key: Buffer): Buffer => {
    const known = hashingKeys.get(key) ?? deriveKey(key, 'fingerprint');
    hashingKeys.set(key, known);
    return known;
  };
  const pinHashingKey = deriveKey((masterKeys.at(-1) ?? masterKeys[0]).key, 'pin-fingerprint');

  return {
    async seal(merchantId, purpose, plain) {
      const { id, key } = await ring.current(merchantId);
      const body = encrypt(key, Buffer.from(plain, 'utf8'), boundTo(merchantId, purpose, id));
      return serializeSealed({ dataKeyId: id, body });
    },

    async open(merchantId, purpose, sealed) {
      const { dataKeyId, body } = parseSealed(sealed);
      const { merchantId: owner, key } = await ring.byId(dataKeyId);
      if (owner !== merchantId) throw new Error('the sealed value is of another merchant');
      return decrypt(key, body, boundTo(merchantId, purpose, dataKeyId)).toString('utf8');
    },

    // The first data key is kept as long as the merchant is, whatever rotates, so hashes stay comparable for ever.
    async fingerprint(merchantId, purpose, plain) {
      const { key } = await ring.first(merchantId);
      return createHmac('sha256', hashingKeyOf(key)).update(boundTo(purpose, plain)).digest();
    },

    fingerprintPin: (provider, accountNumber, pin) =>
      createHmac('sha256', pinHashingKey)
        .update(boundTo(provider, accountNumber, pin))
        .digest(),

    rotateDataKey: (merchantId) => ring.rotate(merchantId),

    rewrapDataKeys: () => ring.rewrap(),
  };
}
