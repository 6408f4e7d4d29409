import { findKeyBinding } from '../db/idempotency-keys';
import type { IdempotencyKey } from '../db/idempotency-keys';
import type { Db } from '../db/pool';
import type { Sealing } from '../domain/sealing';
import { ApiProblem } from './problem';

type FieldHashes = Readonly<Record<string, string>>;

/** A keyed hash per field, in hex: enough to tell later which field of a repeated request differs, and no more. */
export async function hashFields(
  sealing: Sealing,
  merchantId: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<FieldHashes> {
  const hashes = Object.entries(fields).map(async ([name, value]) => {
    const hash = await sealing.fingerprint(merchantId, 'idempotency', `${name}=${canonicalJson(value)}`);
    return [name, hash.toString('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(hashes));
}

/**
 * The first answer to a key, as it was given; null where the key is free. Throws where it was given to another request,
 * naming the fields that differ.
 */
export async function findFirstAnswer(
  deps: { pool: Db; sealing: Sealing },
  key: IdempotencyKey,
  hashes: FieldHashes,
): Promise<{ objectId: string; body: unknown } | null> {
  const binding = await findKeyBinding(deps.pool, key);
  if (!binding) return null;
  const names = new Set([...Object.keys(binding.fieldHashes), ...Object.keys(hashes)]);
  const differing = [...names].filter((name) => binding.fieldHashes[name] !== hashes[name]);
  if (differing.length > 0) {
    throw new ApiProblem('idempotency_key_reused', {
      errors: differing.map((name) => ({
        pointer: `/${name}`,
        detail: 'differs from the first request with this key',
      })),
    });
  }
  const answer = await deps.sealing.open(key.merchantId, 'first-answer', binding.answerEnc);
  return { objectId: binding.objectId, body: JSON.parse(answer) as unknown };
}

/** JSON with the keys of every object in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)))
      : item,
  );
}
