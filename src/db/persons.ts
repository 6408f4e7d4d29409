import type { Pool } from 'pg';

import type { Environment } from '../domain/environment';
import { createApiKey } from './api-keys';
import { newId } from './ids';
import type { Db } from './pool';
import { withTransaction } from './transaction';

/** An operator acts under the key that was given; PostgreSQL reads the person from it. */
interface Acting {
  keyId: string;
}

/** Makes one of the first two operators of an installation, verified, with a key that is shown once. PostgreSQL refuses a third. */
export async function breakGlass(
  pool: Pool,
  { name, document, personId = newId('per') }: { name: string; document: string; personId?: string },
): Promise<{ personId: string; key: string }> {
  return await withTransaction(pool, async (trx) => {
    await trx.query('insert into persons (id, name) values ($1, $2) on conflict do nothing', [personId, name]);
    await trx.query("insert into person_acts (person_id, act, document) values ($1, 'break_glass', $2)", [
      personId,
      document,
    ]);
    const { key } = await createApiKey(trx, { role: 'operator', subject: { kind: 'person', personId } });
    return { personId, key };
  });
}

/** A new person, who may not vote until two operators have verified them. Returns the id. */
export async function addPerson(pool: Pool, { name, keyId }: Acting & { name: string }): Promise<string> {
  return await withTransaction(pool, async (trx) => {
    const personId = newId('per');
    await trx.query('insert into persons (id, name) values ($1, $2)', [personId, name]);
    await insertAct(trx, { personId, act: 'invited', keyId });
    return personId;
  });
}

/** The first operator records the person's document by its reference; another one, with the same reference, verifies the person. */
export async function verifyPerson(
  pool: Pool,
  { personId, document, keyId }: Acting & { personId: string; document: string },
): Promise<'documented' | 'verified'> {
  return await withTransaction(pool, async (trx) => {
    const { rowCount } = await trx.query(
      `select 1 from person_acts where person_id = $1 and act = 'documented' and document = $2
         and person_of(by_person) <> (select person_of(person_id) from api_keys where id = $3)`,
      [personId, document, keyId],
    );
    const act = rowCount === 0 ? 'documented' : 'verified';
    await insertAct(trx, { personId, act, document, keyId });
    return act;
  });
}

/** The first operator proposes that two rows are one human; another one merges them. Nobody splits them again. */
export async function mergePerson(
  pool: Pool,
  { personId, into, keyId }: Acting & { personId: string; into: string },
): Promise<'merge_proposed' | 'merged'> {
  return await withTransaction(pool, async (trx) => {
    const { rowCount } = await trx.query(
      `select 1 from person_acts where person_id = $1 and act = 'merge_proposed' and into_person = $2
         and person_of(by_person) <> (select person_of(person_id) from api_keys where id = $3)`,
      [personId, into, keyId],
    );
    const act = rowCount === 0 ? 'merge_proposed' : 'merged';
    await insertAct(trx, { personId, act, into, keyId });
    return act;
  });
}

export interface IssuedFor {
  personId: string;
  /** Null: an operator's key. */
  merchant: { merchantId: string; environment: Environment } | null;
  /** The key belongs to this system and the person is responsible for it. Null: it is the person's own. */
  systemId: string | null;
}

/** Makes a key of a person or of a system; it is returned once. Who gave it out is not the other vote for 30 days. */
export async function issueKey(pool: Pool, issued: IssuedFor & Acting): Promise<{ id: string; key: string }> {
  const { personId, merchant, systemId, keyId } = issued;
  return await withTransaction(pool, async (trx) => {
    await insertAct(trx, { personId, act: 'key_issued', keyId });
    const person = { kind: 'person', personId } as const;
    if (merchant === null) return await createApiKey(trx, { role: 'operator', subject: person });
    const subject = systemId === null ? person : ({ kind: 'system', systemId, responsiblePersonId: personId } as const);
    return await createApiKey(trx, { role: 'merchant', ...merchant, subject });
  });
}

async function insertAct(
  trx: Db,
  act: Acting & { personId: string; act: string; document?: string; into?: string },
): Promise<void> {
  await trx.query(
    'insert into person_acts (person_id, act, document, into_person, key_id) values ($1, $2, $3, $4, $5)',
    [act.personId, act.act, act.document ?? null, act.into ?? null, act.keyId],
  );
}

/** Throws a `vote_refused` of PostgreSQL where the person is not verified, or is of that merchant's side. */
export async function assertOperates(trx: Db, personId: string, merchantId: string): Promise<void> {
  await trx.query('select assert_operates($1, $2)', [personId, merchantId]);
}
