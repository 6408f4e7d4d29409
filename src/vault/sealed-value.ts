const VERSION = 1;

export interface SealedValue {
  dataKeyId: string;
  /** Nonce, ciphertext and tag. */
  body: Buffer;
}

/** One byte of version, one of the key id's length, the key id, then the body. */
export function serializeSealed({ dataKeyId, body }: SealedValue): Buffer {
  const id = Buffer.from(dataKeyId, 'ascii');
  return Buffer.concat([Buffer.of(VERSION, id.length), id, body]);
}

/** Throws where it is no sealed value of a known version. */
export function parseSealed(sealed: Buffer): SealedValue {
  const [version, idLength] = sealed;
  if (version !== VERSION || idLength === undefined) throw new Error('not a sealed value of a known version');
  const bodyAt = 2 + idLength;
  return { dataKeyId: sealed.toString('ascii', 2, bodyAt), body: sealed.subarray(bodyAt) };
}
