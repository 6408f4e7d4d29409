import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  privateDecrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Store } from './store';

export interface PublicKeyBody {
  readonly keyId: string;
  readonly keyType: 'RSA';
  readonly keySize: 2048;
  /** SubjectPublicKeyInfo DER in Base64, without PEM armour. */
  readonly key: string;
}

export interface KeyRing {
  publicKey(): PublicKeyBody;
  /** The PIN inside a Base64 block, or null when it was not made with the present key (Orange's 4003). */
  decrypt(encrypted: string): string | null;
  /** Replaces the pair; blocks made with the old one no longer decrypt. */
  roll(): Promise<void>;
}

interface LoadedKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly body: PublicKeyBody;
  /** Connectors reuse a block for many calls; a decryption costs a millisecond of the only thread. */
  readonly decrypted: Map<string, string | null>;
}

const REMEMBERED_BLOCKS = 1_000;
const generate = promisify(generateKeyPair);

export async function createKeyRing(store: Store): Promise<KeyRing> {
  let loaded: LoadedKey | undefined;

  async function roll(): Promise<void> {
    const { privateKey } = await generate('rsa', { modulusLength: 2048 });
    const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    store.record({ e: 'key', keyId: randomBytes(4).toString('hex'), privatePem });
  }

  function present(): LoadedKey {
    const { key } = store.state();
    if (key === null) throw new Error('no key pair was made');
    if (loaded?.keyId !== key.keyId) loaded = loadKey(key.keyId, key.privatePem);
    return loaded;
  }

  if (store.state().key === null) await roll();
  return {
    publicKey: () => present().body,
    decrypt: (encrypted) => {
      const { privateKey, decrypted } = present();
      const known = decrypted.get(encrypted);
      if (known !== undefined) return known;
      const pin = decryptPin(privateKey, encrypted);
      if (decrypted.size >= REMEMBERED_BLOCKS) decrypted.clear();
      decrypted.set(encrypted, pin);
      return pin;
    },
    roll,
  };
}

function loadKey(keyId: string, privatePem: string): LoadedKey {
  const privateKey = createPrivateKey(privatePem);
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  return { keyId, privateKey, body: { keyId, keyType: 'RSA', keySize: 2048, key }, decrypted: new Map() };
}

function decryptPin(privateKey: KeyObject, encrypted: string): string | null {
  try {
    // Node refuses RSA_PKCS1_PADDING for private decryption (CVE-2023-46809), so the padding is stripped here.
    const block = privateDecrypt(
      { key: privateKey, padding: constants.RSA_NO_PADDING },
      Buffer.from(encrypted, 'base64'),
    );
    return stripPkcs1(block);
  } catch {
    return null;
  }
}

/** `00 02 <at least 8 bytes, none zero> 00 <message>`; a message that cannot be a PIN means another key was used. */
function stripPkcs1(block: Buffer): string | null {
  if (block[0] !== 0 || block[1] !== 2) return null;
  const end = block.indexOf(0, 2);
  if (end < 10) return null;
  const message = block.toString('utf8', end + 1);
  return /^[\x20-\x7e]{1,32}$/.test(message) ? message : null;
}
