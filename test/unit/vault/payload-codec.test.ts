import { randomBytes } from 'node:crypto';

import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';

import { createPayloadCodec } from '../../../src/temporal/payload-codec';

const older = { id: 'k1', key: randomBytes(32) };
const newer = { id: 'k2', key: randomBytes(32) };
const CANARY = 'canary-8451';

function payloadOf(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

function valueOf(payload: Payload | undefined): unknown {
  return defaultPayloadConverter.fromPayload(payload!);
}

describe('the payload codec', () => {
  test('hides the value and its encoding, and gives both back', async () => {
    const codec = createPayloadCodec([newer]);
    const [encoded] = await codec.encode([payloadOf({ pin: CANARY })]);
    expect(Buffer.from(encoded!.data!).includes(CANARY)).toBe(false);
    const metadata = Object.entries(encoded!.metadata!).map(([name, value]) => [name, Buffer.from(value).toString()]);
    expect(Object.fromEntries(metadata)).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': 'k2' });
    expect(valueOf((await codec.decode([encoded!]))[0])).toEqual({ pin: CANARY });
  });

  test('never gives the same bytes twice', async () => {
    const codec = createPayloadCodec([newer]);
    const [one, two] = await codec.encode([payloadOf(1), payloadOf(1)]);
    expect(Buffer.from(one!.data!).equals(two!.data!)).toBe(false);
  });

  test('opens what an older key encrypted, and encrypts under the newest', async () => {
    const [old] = await createPayloadCodec([older]).encode([payloadOf('old')]);
    const codec = createPayloadCodec([newer, older]);
    expect(valueOf((await codec.decode([old!]))[0])).toBe('old');
    const [fresh] = await codec.encode([payloadOf('new')]);
    await expect(createPayloadCodec([older]).decode([fresh!])).rejects.toThrow('under key k2, which is not configured');
  });

  test('passes on what was never encrypted', async () => {
    const plain = payloadOf('by hand');
    expect(await createPayloadCodec([newer]).decode([plain])).toEqual([plain]);
  });

  test('refuses a changed payload', async () => {
    const codec = createPayloadCodec([newer]);
    const [encoded] = await codec.encode([payloadOf('value')]);
    const changed = Buffer.from(encoded!.data!);
    changed[20]! ^= 1;
    await expect(codec.decode([{ ...encoded, data: changed }])).rejects.toThrow();
    await expect(codec.decode([{ ...encoded, data: changed.subarray(0, 10) }])).rejects.toThrow('cut short');
  });
});
