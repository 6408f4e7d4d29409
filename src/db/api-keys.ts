import { createHash, randomBytes } from 'node:crypto';

import type { Environment } from '../domain/environment';
import type { Principal, Subject } from '../domain/principal';
import { newId } from './ids';
import type { Db } from './pool';

export type NewApiKey =
  | { role: 'merchant'; merchantId: string; environment: Environment; subject: NewSubject }
  | { role: 'operator'; subject: { kind: 'person'; personId: string } };

/** A system's key names the person who answers for what it sends. */
type NewSubject =
  Extract<Subject, { kind: 'person' }> | { kind: 'system'; systemId: string; responsiblePersonId: string };

/** `cauri_<sandbox|live|op>_<prefix>_<secret>`: the prefix names the key in talk, the secret is 256 random bits. */
const KEY_PATTERN = /^cauri_(?:sandbox|live|op)_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

/** Makes a key and stores its hash. The key itself is returned once and kept nowhere. */
export async function createApiKey(db: Db, owner: NewApiKey): Promise<{ id: string; key: string }> {
  const id = newId('key');
  const prefix = randomBytes(4).toString('hex');
  const scope = owner.role === 'operator' ? 'op' : owner.environment;
  const key = `cauri_${scope}_${prefix}_${randomBytes(32).toString('base64url')}`;
  await db.query(
    `insert into api_keys (id, prefix, hash, role, merchant_id, environment, person_id, system_id, responsible_person_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      prefix,
      hashOf(key),
      owner.role,
      owner.role === 'merchant' ? owner.merchantId : null,
      owner.role === 'merchant' ? owner.environment : null,
      owner.subject.kind === 'person' ? owner.subject.personId : null,
      owner.subject.kind === 'system' ? owner.subject.systemId : null,
      owner.subject.kind === 'system' ? owner.subject.responsiblePersonId : null,
    ],
  );
  return { id, key };
}

/** Refuses a key from now on. Returns its id, or null where none in use has this prefix. */
export async function revokeApiKey(trx: Db, prefix: string): Promise<string | null> {
  const { rows } = await trx.query<{ id: string }>(
    'update api_keys set revoked_at = clock_timestamp() where prefix = $1 and revoked_at is null returning id',
    [prefix],
  );
  return rows[0]?.id ?? null;
}

interface ApiKeyRow {
  id: string;
  role: Principal['role'];
  merchant_id: string | null;
  environment: Environment | null;
  person_id: string | null;
  system_id: string | null;
}

/** Who a key stands for; null where it is not one of ours or was revoked. */
export async function findPrincipal(db: Db, key: string): Promise<Principal | null> {
  if (!KEY_PATTERN.test(key)) return null;
  const { rows } = await db.query<ApiKeyRow>(
    `select id, role, merchant_id, environment, person_id, system_id from api_keys
     where hash = $1 and revoked_at is null`,
    [hashOf(key)],
  );
  return rows[0] ? rowToPrincipal(rows[0]) : null;
}

/** Whether a key that was good once still is. */
export async function isKeyValid(db: Db, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query('select 1 from api_keys where id = $1 and revoked_at is null', [keyId]);
  return rowCount === 1;
}

function rowToPrincipal(row: ApiKeyRow): Principal {
  const subject = subjectOf(row);
  if (row.role === 'operator') return { role: 'operator', keyId: row.id, subject };
  if (row.merchant_id === null || row.environment === null) throw new Error(`key ${row.id} has no tenant`);
  return { role: 'merchant', keyId: row.id, subject, merchantId: row.merchant_id, environment: row.environment };
}

function subjectOf(row: ApiKeyRow): Subject {
  if (row.person_id !== null) return { kind: 'person', personId: row.person_id };
  if (row.system_id !== null) return { kind: 'system', systemId: row.system_id };
  throw new Error(`key ${row.id} has no subject`);
}

/** A key is 256 random bits: a plain hash suffices, and equal time does not matter for a look-up by hash. */
function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
