import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ProviderError } from '../provider';
import type { EncryptionKey } from '../provider';

/** Characters of base64 that a 2048 bit key gives; the provider's schema allows no other length. */
const CIPHERTEXT_LENGTH = 344;

/**
 * Encrypts PINs as the provider wants them: RSA 2048, PKCS#1 v1.5, base64 of exactly 344 characters. The specification is
 * silent on the padding; v1.5 is what its own client and the live ones use. Throws `ProviderError` `malformed` for a key
 * that cannot give that. The key of the last call is kept as it was read: to read it takes longer than to encrypt under it.
 */
export function createPinEncryption(): (pin: string, key: EncryptionKey) => string {
  let last: { text: string; read: KeyObject } | undefined;
  return (pin, { key: text }) => {
    if (last?.text !== text) last = { text, read: readPublicKey(text) };
    const ciphertext = publicEncrypt(
      { key: last.read, padding: constants.RSA_PKCS1_PADDING },
      Buffer.from(pin, 'utf8'),
    ).toString('base64');
    if (ciphertext.length !== CIPHERTEXT_LENGTH) throw new ProviderError('malformed', 'orange: not a 2048 bit key');
    return ciphertext;
  };
}

/** Reads base64 DER SubjectPublicKeyInfo, also with PEM armour around it. Throws `ProviderError` `malformed`. */
export function readPublicKey(key: string): KeyObject {
  const der = Buffer.from(key.replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, ''), 'base64');
  try {
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (publicKey.asymmetricKeyType === 'rsa') return publicKey;
  } catch {
    throw new ProviderError('malformed', 'orange: the public key cannot be read');
  }
  throw new ProviderError('malformed', 'orange: the public key is not RSA');
}
