import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { createPinEncryption } from '../../../../src/providers/orange/encrypt-pin';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encryptPin = createPinEncryption();
const KEY = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

/** Node refuses to take PKCS#1 v1.5 padding off, so it is read here: 00 02, at least 8 bytes that are not 0, 00. */
function decrypt(ciphertext: string): string {
  const block = privateDecrypt(
    { key: pair.privateKey, padding: constants.RSA_NO_PADDING },
    Buffer.from(ciphertext, 'base64'),
  );
  expect([...block.subarray(0, 2)]).toEqual([0, 2]);
  const end = block.indexOf(0, 2);
  expect(end).toBeGreaterThanOrEqual(10);
  return block.subarray(end + 1).toString('utf8');
}

it('gives 344 characters that hold the PIN under PKCS#1 v1.5', () => {
  const ciphertext = encryptPin('2468', { id: 'k1', key: KEY });
  expect(ciphertext).toMatch(/^[A-Za-z0-9+/]{342}==$/);
  expect(decrypt(ciphertext)).toBe('2468');
});

it('gives another ciphertext each time', () => {
  expect(encryptPin('2468', { id: 'k1', key: KEY })).not.toBe(encryptPin('2468', { id: 'k1', key: KEY }));
});

it('encrypts under the key that it is given, whatever the one before was', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' });
  encryptPin('2468', { id: 'k2', key: other.toString('base64') });
  expect(decrypt(encryptPin('2468', { id: 'k1', key: KEY }))).toBe('2468');
});

it('takes a key with PEM armour', () => {
  const armoured = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  expect(decrypt(encryptPin('2468', { id: 'k1', key: armoured }))).toBe('2468');
});

it.each([
  ['no key', 'hello'],
  [
    'a shorter key',
    generateKeyPairSync('rsa', { modulusLength: 1024 })
      .publicKey.export({ format: 'der', type: 'spki' })
      .toString('base64'),
  ],
  [
    'a key of another kind',
    generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  ],
])('refuses %s', (_what, key) => {
  let thrown: unknown;
  try {
    encryptPin('2468', { id: 'k1', key });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: 'ProviderError', kind: 'malformed' });
});
