import { randomUUID } from 'node:crypto';

import type { Pool } from 'pg';

/** Those of the seeding, so that it runs beside this. */
const FOUNDERS = ['per_awa', 'per_binta'] as const;

/** Key ids of operators, by person: votes in tests are written under them. */
export function operatorKeyOf(personId: string): string {
  return `key_${personId}`;
}

/** Adds persons, if they are new, each with an operator's key of id `key_<person>` that nobody can call with. They may not vote. */
export async function addOperators(pool: Pool, ...personIds: readonly string[]): Promise<void> {
  for (const personId of personIds) {
    await addPerson(pool, personId);
    await pool.query(
      `insert into api_keys (id, prefix, hash, role, person_id) values ($1, 'test', sha256($2), 'operator', $3)
       on conflict (id) do nothing`,
      [operatorKeyOf(personId), randomUUID(), personId],
    );
  }
}

/** A person with this id, or a new one, who is not verified. Returns the id. */
export async function addPerson(pool: Pool, personId = `per_${randomUUID()}`): Promise<string> {
  await pool.query('insert into persons (id, name) values ($1, $1) on conflict do nothing', [personId]);
  return personId;
}

/** Verifies persons as two operators do who vote about nothing else, so that all may be each other's second vote. */
export async function verifyPersons(pool: Pool, ...personIds: readonly string[]): Promise<void> {
  await addOperators(pool, ...FOUNDERS);
  for (const founder of FOUNDERS) {
    await pool.query(
      `insert into person_acts (person_id, act, document) select $1, 'break_glass', 'test'
       where not exists (select from person_acts where person_id = $1)`,
      [founder],
    );
  }
  for (const personId of personIds) {
    await addPerson(pool, personId);
    for (const [index, act] of (['documented', 'verified'] as const).entries()) {
      await pool.query(
        `insert into person_acts (person_id, act, document, key_id) select $1, $2, 'passport', $3
         where not is_verified($1)`,
        [personId, act, operatorKeyOf(FOUNDERS[index]!)],
      );
    }
  }
}

/** Verified operators, each with a key of id `key_<person>`. */
export async function addVerifiedOperators(pool: Pool, ...personIds: readonly string[]): Promise<void> {
  await addOperators(pool, ...personIds);
  await verifyPersons(pool, ...personIds);
}

/** A system as the holder of a new key, with a new person who is responsible for it. */
export async function systemOf(
  pool: Pool,
  systemId: string,
): Promise<{ kind: 'system'; systemId: string; responsiblePersonId: string }> {
  return { kind: 'system', systemId, responsiblePersonId: await addPerson(pool) };
}
