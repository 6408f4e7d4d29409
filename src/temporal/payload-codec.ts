import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

import type { Payload, PayloadCodec } from '@temporalio/common';
import { METADATA_ENCODING_KEY, ValueError } from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding';
import { temporal } from '@temporalio/proto';

/** What payload keys are derived from: the first encrypts, the others still decrypt. */
export type PayloadMasterKeys = readonly [PayloadMasterKey, ...PayloadMasterKey[]];

interface PayloadMasterKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

const ENCRYPTED_ENCODING = 'binary/encrypted';
const KEY_ID_METADATA = 'encryption-key-id';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts whole payloads by AES-256-GCM, so that histories, memos and summaries lie in the engine's store unreadable.
 * A payload that is not encrypted is passed on as it is: operators start, signal and complete things from the Temporal
 * UI and CLI in clear. Nothing rests on a payload having been encrypted by us: payloads carry ids, and what an id may
 * do is decided in the database.
 */
export function createPayloadCodec(masterKeys: PayloadMasterKeys): PayloadCodec {
  const keys = new Map(masterKeys.map(({ id, key }) => [id, derivePayloadKey(key)]));
  const newestId = masterKeys[0].id;
  const newest = derivePayloadKey(masterKeys[0].key);

  function encryptPayload(payload: Payload): Payload {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', newest, nonce);
    const plain = temporal.api.common.v1.Payload.encode(payload).finish();
    return {
      metadata: { [METADATA_ENCODING_KEY]: encode(ENCRYPTED_ENCODING), [KEY_ID_METADATA]: encode(newestId) },
      data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
    };
  }

  function decryptPayload(payload: Payload): Payload {
    if (textOf(payload, METADATA_ENCODING_KEY) !== ENCRYPTED_ENCODING) return payload;
    const keyId = textOf(payload, KEY_ID_METADATA) ?? '';
    const key = keys.get(keyId);
    if (!key) throw new ValueError(`a payload is encrypted under key ${keyId}, which is not configured`);
    const sealed = payload.data ?? new Uint8Array();
    const end = sealed.length - TAG_BYTES;
    if (end < NONCE_BYTES) throw new ValueError('an encrypted payload is cut short');
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(end));
    const plain = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
    return temporal.api.common.v1.Payload.decode(plain);
  }

  return {
    encode: (payloads) => Promise.resolve(payloads.map(encryptPayload)),
    // eslint-disable-next-line @typescript-eslint/require-await -- a payload that does not open rejects, it does not throw
    decode: async (payloads) => payloads.map(decryptPayload),
  };
}

function derivePayloadKey(masterKey: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), 'temporal-payload', 32));
}

function textOf({ metadata }: Payload, key: string): string | null {
  const bytes = metadata?.[key];
  return bytes ? decode(bytes) : null;
}
