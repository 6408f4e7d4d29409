import { randomBytes, randomUUID } from 'node:crypto';

import type { Pool } from 'pg';

import { createApiKey } from '../../src/db/api-keys';
import { breakGlass, mergePerson } from '../../src/db/persons';
import { createPool } from '../../src/db/pool';
import { seedMerchant } from '../helpers/app';
import { addOperators, addPerson, addVerifiedOperators, operatorKeyOf } from '../helpers/persons';
import { createTestDatabase } from '../helpers/postgres';
import { refusal } from '../helpers/standing-payout';

const VOTE_REFUSED = 'CA005';
const FIXED = 'CA001';

describe('one row per human', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
    await addVerifiedOperators(pool, 'per_one', 'per_two');
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  const act = (personId: string, name: string, by: string | null, more: { document?: string; into?: string } = {}) =>
    refusal(
      pool.query(
        'insert into person_acts (person_id, act, document, into_person, key_id) values ($1, $2, $3, $4, $5)',
        [personId, name, more.document ?? null, more.into ?? null, by === null ? null : operatorKeyOf(by)],
      ),
    );

  const ask = async <T>(sql: string, ...values: readonly string[]): Promise<T> =>
    (await pool.query<{ answer: T }>(`select ${sql} as answer`, [...values])).rows[0]!.answer;
  const isVerified = (id: string): Promise<boolean> => ask('is_verified($1)', id);
  const areLinked = (one: string, other: string): Promise<boolean> => ask('are_linked($1, $2)', one, other);

  test('a person is verified by two operators who confirm the same document, and by nobody alone', async () => {
    const person = await addPerson(pool);
    const document = 'passport 1';
    expect(await act(person, 'verified', 'per_one', { document })).toBe(VOTE_REFUSED);
    expect(await act(person, 'documented', 'per_one', { document })).toBe('done');
    expect(await act(person, 'verified', 'per_one', { document })).toBe(VOTE_REFUSED);
    expect(await act(person, 'verified', 'per_two', { document: 'passport 2' })).toBe(VOTE_REFUSED);
    expect(await isVerified(person)).toBe(false);
    expect(await act(person, 'verified', 'per_two', { document })).toBe('done');
    expect(await isVerified(person)).toBe(true);
  });

  test('an operator who inserts a second person verifies neither that person nor anybody with that person’s key', async () => {
    await addOperators(pool, 'per_invented');
    const document = 'invented';
    expect(await act('per_invented', 'documented', 'per_one', { document })).toBe('done');
    expect(await act('per_invented', 'verified', 'per_invented', { document })).toBe(VOTE_REFUSED);
    expect(await act(await addPerson(pool), 'documented', 'per_invented', { document })).toBe(VOTE_REFUSED);
    expect(await act('per_invented', 'break_glass', null, { document })).toBe(VOTE_REFUSED);
    expect(await isVerified('per_invented')).toBe(false);
  });

  test('nobody verifies oneself, and no act is dated back, changed or signed with another one’s name', async () => {
    expect(await act('per_one', 'documented', 'per_one', { document: 'own' })).toBe(VOTE_REFUSED);
    const person = await addPerson(pool);
    await pool.query(
      `insert into person_acts (person_id, act, key_id, by_person, at) values ($1, 'invited', $2, 'per_two', now() - interval '1 year')`,
      [person, operatorKeyOf('per_one')],
    );
    const { rows } = await pool.query(
      "select by_person, at > now() - interval '1 minute' as is_new from person_acts where person_id = $1",
      [person],
    );
    expect(rows).toEqual([{ by_person: 'per_one', is_new: true }]);
    expect(await refusal(pool.query("update person_acts set at = now() - interval '1 year'"))).toBe(FIXED);
    expect(await refusal(pool.query('delete from person_acts'))).toBe(FIXED);
  });

  test('of two who invite, verify, merge or give out a key, neither is the other vote for 30 days', async () => {
    const [invited, verified, keyed] = [await addPerson(pool), await addPerson(pool), await addPerson(pool)];
    await act(invited, 'invited', 'per_one');
    await act(verified, 'documented', 'per_one', { document: 'd' });
    await act(keyed, 'key_issued', 'per_one');
    for (const person of [invited, verified, keyed]) {
      expect([await areLinked(person, 'per_one'), await areLinked('per_one', person)]).toEqual([true, true]);
      expect(await areLinked(person, 'per_two')).toBe(false);
    }
    expect(await areLinked('per_one', 'per_two')).toBe(false);
    // As it is 31 days later: no clock is turned in a test, so that the act is dated back where no guard looks.
    await pool.query('alter table person_acts disable trigger user');
    await pool.query("update person_acts set at = now() - interval '31 days' where person_id = $1", [invited]);
    await pool.query('alter table person_acts enable trigger user');
    expect(await areLinked(invited, 'per_one')).toBe(false);
  });

  test('two operators merge persons: every key counts as the one who remains, and nobody splits them', async () => {
    const [one, other] = [await addPerson(pool), await addPerson(pool)];
    const { id: merchantId } = await seedMerchant(pool);
    const subject = { kind: 'person', personId: other } as const;
    const { id: keyId } = await createApiKey(pool, { role: 'merchant', merchantId, environment: 'sandbox', subject });
    const [first, second] = [operatorKeyOf('per_one'), operatorKeyOf('per_two')];
    expect(await act(other, 'merged', 'per_one', { into: one })).toBe(VOTE_REFUSED);
    expect(await mergePerson(pool, { personId: other, into: one, keyId: first })).toBe('merge_proposed');
    expect(await mergePerson(pool, { personId: other, into: one, keyId: first })).toBe('merge_proposed');
    expect(await ask('person_of($1)', other)).toBe(other);
    expect(await mergePerson(pool, { personId: other, into: one, keyId: second })).toBe('merged');
    expect(await ask('person_of($1)', other)).toBe(one);
    expect(await ask('sender_of($1)', `api_key:${keyId}`)).toBe(one);
    expect(await ask('is_of_merchant($1, $2)', one, merchantId)).toBe(true);
    expect(await areLinked(one, 'per_two')).toBe(true);
    for (const into of [null, 'per_two']) {
      expect(await refusal(pool.query('update persons set merged_into = $2 where id = $1', [other, into]))).toBe(FIXED);
    }
    expect(await act(one, 'merge_proposed', 'per_one', { into: other })).toBe(VOTE_REFUSED);
    expect(await refusal(pool.query("insert into persons (id, name, merged_into) values ('x', 'x', $1)", [one]))).toBe(
      FIXED,
    );
  });

  test('an unverified person who is merged into a verified one votes as that one only after two operators merged them', async () => {
    await addOperators(pool, 'per_stranger');
    const vote = (): Promise<string> => refusal(pool.query('select voter_of($1)', [operatorKeyOf('per_stranger')]));
    expect(await vote()).toBe(VOTE_REFUSED);
    const proposed = { personId: 'per_stranger', into: 'per_two', keyId: operatorKeyOf('per_one') };
    expect(await mergePerson(pool, proposed)).toBe('merge_proposed');
    expect(await vote()).toBe(VOTE_REFUSED);
  });

  test('an installation has two first operators, however many ask at once', async () => {
    const fresh = await createTestDatabase();
    const freshPool = createPool({ databaseUrl: fresh.url, size: 6, onIdleError: () => undefined });
    try {
      const made = await Promise.all(
        ['Awa', 'Binta', 'Coumba', 'Demba'].map((name) => refusal(breakGlass(freshPool, { name, document: 'x' }))),
      );
      expect(made.toSorted()).toEqual([VOTE_REFUSED, VOTE_REFUSED, 'done', 'done']);
      const { rows } = await freshPool.query('select count(*)::int as persons from persons');
      expect(rows).toEqual([{ persons: 2 }]);
    } finally {
      await freshPool.end();
      await fresh.close();
    }
  });

  describe('a key', () => {
    test('of a system names the person responsible for it, and nobody else later', async () => {
      const { id: merchantId } = await seedMerchant(pool);
      const insert = (system: string | null, person: string | null, responsible: string | null): Promise<string> =>
        refusal(
          pool.query(
            `insert into api_keys (id, prefix, hash, role, merchant_id, environment, system_id, person_id, responsible_person_id)
             values ($1, 'test', $6, 'merchant', $2, 'sandbox', $3, $4, $5)`,
            [`key_${randomUUID()}`, merchantId, system, person, responsible, randomBytes(32)],
          ),
        );
      expect(await insert('shop', null, null)).toBe('23514');
      expect(await insert(null, 'per_one', 'per_two')).toBe('23514');
      expect(await insert('shop', null, 'per_one')).toBe('done');
      const changes = ["responsible_person_id = 'per_two'", 'responsible_person_id = null', "role = 'operator'"];
      for (const change of changes) {
        expect(await refusal(pool.query(`update api_keys set ${change} where merchant_id = $1`, [merchantId]))).toBe(
          FIXED,
        );
      }
      const taken = "update api_keys set person_id = 'per_two' where person_id = 'per_one'";
      expect(await refusal(pool.query(taken))).toBe(FIXED);
      expect(await ask('is_of_merchant($1, $2)', 'per_one', merchantId)).toBe(true);
    });

    test('that was revoked votes no more', async () => {
      const subject = { kind: 'person', personId: 'per_one' } as const;
      const { id } = await createApiKey(pool, { role: 'operator', subject });
      expect(await refusal(pool.query('select voter_of($1)', [id]))).toBe('done');
      await pool.query('update api_keys set revoked_at = now() where id = $1', [id]);
      expect(await refusal(pool.query('select voter_of($1)', [id]))).toBe(VOTE_REFUSED);
    });
  });
});
