import { createHash } from 'node:crypto';

import type { Pool } from 'pg';

import { createApiKey } from '../../src/db/api-keys';
import { newId } from '../../src/db/ids';
import { createPool } from '../../src/db/pool';
import { seedMerchant, seedOperator } from '../helpers/app';
import { addOperators, addPerson, operatorKeyOf, verifyPersons } from '../helpers/persons';
import { createTestDatabase } from '../helpers/postgres';
import { refusal } from '../helpers/standing-payout';

const GOES_ON = ['scheduled', 'awaiting_float', 'running'] as const;

const HASH = createHash('sha256').update('the lines').digest();

const INITIATOR = 'per_initiator';
const OTHER = 'per_other';

/** SQLSTATE of what may not follow, and of what never changes. */
const REFUSED = 'CA003';
const FIXED = 'CA001';
const NOT_BY_THIS_PERSON = 'CA005';
const RESPONSIBLE = 'per_responsible';

describe('PostgreSQL refuses whoever skips an approval', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;
  let merchantId: string;
  /** Ids of keys, each of another kind. */
  const keys: Record<'initiator' | 'other' | 'system' | 'operator' | 'stranger', string> = {
    ...{ initiator: '', other: '', system: '', operator: '', stranger: '' },
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 4, onIdleError: () => undefined });
    ({ id: merchantId } = await seedMerchant(pool));
    const stranger = await seedMerchant(pool);
    await pool.query(
      "update merchants set approval_above_lines = 2, approval_above_total = 5000, approval_window = '0' where id = $1",
      [merchantId],
    );
    await verifyPersons(pool, INITIATOR, OTHER, RESPONSIBLE);
    const member = { role: 'merchant', merchantId, environment: 'sandbox' } as const;
    const person = (personId: string) => ({ kind: 'person', personId }) as const;
    keys.initiator = (await createApiKey(pool, { ...member, subject: person(INITIATOR) })).id;
    keys.other = (await createApiKey(pool, { ...member, subject: person(OTHER) })).id;
    keys.system = (
      await createApiKey(pool, {
        ...member,
        subject: { kind: 'system', systemId: 'payroll', responsiblePersonId: RESPONSIBLE },
      })
    ).id;
    keys.stranger = (await createApiKey(pool, { ...member, merchantId: stranger.id, subject: person(OTHER) })).id;
    const { personId } = await seedOperator(pool);
    keys.operator = (await createApiKey(pool, { role: 'operator', subject: { kind: 'person', personId } })).id;
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  async function standBulk({
    state = 'awaiting_approval',
    lines = 3,
    total = 3_000,
    createdBy = `person:${INITIATOR}`,
    expiresIn = '1 hour',
  } = {}): Promise<string> {
    const id = newId('bulk');
    await pool.query(
      `insert into bulks (id, merchant_id, environment, state, reason, content_hash, currency, line_count, total, created_by)
       values ($1, $2, 'sandbox', $3, 'test', $4, 'XOF', $5, $6, $7)`,
      [id, merchantId, state, HASH, lines, total, createdBy],
    );
    if (state === 'awaiting_approval') {
      await pool.query(
        `insert into bulk_approvals (bulk_id, above_lines, expires_at) values ($1, 2, now() + $2::interval)`,
        [id, expiresIn],
      );
    }
    return id;
  }

  const move = (id: string, to: string): Promise<string> =>
    refusal(pool.query('update bulks set state = $2, version = version + 1 where id = $1', [id, to]));

  const decide = (
    id: string,
    verdict: string,
    { person = OTHER, key = keys.other, hash = HASH }: { person?: string; key?: string; hash?: Buffer } = {},
  ): Promise<string> =>
    refusal(
      pool.query(
        `insert into bulk_decisions (bulk_id, verdict, person_id, key_id, content_hash, reason_enc)
         values ($1, $2, $3, $4, $5, '\\x00')`,
        [id, verdict, person, key, hash],
      ),
    );

  test.each(GOES_ON)('from awaiting_approval to %s only when approved', async (to) => {
    const id = await standBulk();
    expect(await move(id, to)).toBe(REFUSED);
    expect(await decide(id, 'approved')).toBe('done');
    expect(await move(id, to)).toBe('done');
  });

  test.each(GOES_ON)('a refused or expired one never to %s', async (to) => {
    const refused = await standBulk();
    expect(await decide(refused, 'refused')).toBe('done');
    const expired = await standBulk({ expiresIn: '-1 second' });
    expect([await move(refused, to), await move(expired, to)]).toEqual([REFUSED, REFUSED]);
  });

  test.each(GOES_ON)('from ready to %s only at or below the thresholds', async (to) => {
    const moves = [
      await move(await standBulk({ state: 'ready', lines: 3, total: 10 }), to),
      await move(await standBulk({ state: 'ready', lines: 1, total: 5_001 }), to),
      await move(await standBulk({ state: 'ready', lines: 2, total: 5_000 }), to),
    ];
    expect(moves).toEqual([REFUSED, REFUSED, 'done']);
  });

  test('rejected only when refused or expired', async () => {
    const waiting = await standBulk();
    expect(await move(waiting, 'rejected')).toBe(REFUSED);
    const approved = await standBulk();
    await decide(approved, 'approved');
    expect(await move(approved, 'rejected')).toBe(REFUSED);
    const refused = await standBulk();
    await decide(refused, 'refused');
    expect(await move(refused, 'rejected')).toBe('done');
    expect(await move(await standBulk({ expiresIn: '-1 second' }), 'rejected')).toBe('done');
  });

  test('awaiting_approval only where it is said what for', async () => {
    expect(await move(await standBulk({ state: 'ready' }), 'awaiting_approval')).toBe(REFUSED);
  });

  test.each(['approved', 'refused'])('no %s by the initiator, a system, an operator or a stranger', async (verdict) => {
    const id = await standBulk();
    const refusals = [
      await decide(id, verdict, { person: INITIATOR, key: keys.initiator }),
      await decide(id, verdict, { person: INITIATOR, key: keys.other }),
      await decide(id, verdict, { person: OTHER, key: keys.initiator }),
      await decide(id, verdict, { key: keys.system }),
      await decide(id, verdict, { key: keys.operator }),
      await decide(id, verdict, { key: keys.stranger }),
    ];
    expect(new Set(refusals)).toEqual(new Set([REFUSED]));
    const sentByKey = await standBulk({ createdBy: `api_key:${keys.other}` });
    expect(await decide(sentByKey, verdict)).toBe(REFUSED);
    const sentBySystem = await standBulk({ createdBy: `api_key:${keys.system}` });
    expect(await decide(sentBySystem, verdict)).toBe('done');
  });

  async function keyOf(personId: string): Promise<string> {
    const subject = { kind: 'person', personId } as const;
    return (await createApiKey(pool, { role: 'merchant', merchantId, environment: 'sandbox', subject })).id;
  }

  test.each(['approved', 'refused'])(
    'no %s by the person responsible for the key of a system that sent it',
    async (verdict) => {
      const id = await standBulk({ createdBy: `api_key:${keys.system}` });
      const key = await keyOf(RESPONSIBLE);
      expect(await decide(id, verdict, { person: RESPONSIBLE, key })).toBe(REFUSED);
      expect(await decide(await standBulk(), verdict, { person: RESPONSIBLE, key })).toBe('done');
    },
  );

  test.each(['approved', 'refused'])(
    'no %s by a person who is not verified, or by a key that was revoked',
    async (verdict) => {
      const person = await addPerson(pool);
      const id = await standBulk();
      expect(await decide(id, verdict, { person, key: await keyOf(person) })).toBe(NOT_BY_THIS_PERSON);
      const key = await keyOf(OTHER);
      await pool.query('update api_keys set revoked_at = now() where id = $1', [key]);
      expect(await decide(id, verdict, { key })).toBe(NOT_BY_THIS_PERSON);
    },
  );

  test('no decision by a person whom the sender invited, or who verified the sender, within 30 days', async () => {
    await addOperators(pool, INITIATOR);
    const [invited, sender] = [await addPerson(pool), await addPerson(pool)];
    await verifyPersons(pool, invited);
    const act = 'insert into person_acts (person_id, act, document, key_id) values ($1, $2, $3, $4)';
    await pool.query(act, [invited, 'invited', null, operatorKeyOf(INITIATOR)]);
    expect(await decide(await standBulk(), 'approved', { person: invited, key: await keyOf(invited) })).toBe(
      NOT_BY_THIS_PERSON,
    );
    await pool.query(act, [sender, 'documented', 'passport', operatorKeyOf(INITIATOR)]);
    const sent = await standBulk({ createdBy: `person:${sender}` });
    expect(await decide(sent, 'approved', { person: INITIATOR, key: keys.initiator })).toBe(NOT_BY_THIS_PERSON);
    expect(await decide(sent, 'approved')).toBe('done');
  });

  test('no decision about another content, after the time, or where nothing waits', async () => {
    const other = createHash('sha256').update('other lines').digest();
    expect(await decide(await standBulk(), 'approved', { hash: other })).toBe(REFUSED);
    expect(await decide(await standBulk({ expiresIn: '-1 second' }), 'approved')).toBe(REFUSED);
    const cancelled = await standBulk();
    await move(cancelled, 'cancelled');
    expect(await decide(cancelled, 'approved')).toBe(REFUSED);
  });

  test('one decision, which nobody changes, as nobody changes who sent it or how long it may take', async () => {
    const id = await standBulk();
    expect(await decide(id, 'refused')).toBe('done');
    expect(await decide(id, 'approved')).toBe('23505');
    const changes = [
      "update bulk_decisions set verdict = 'approved' where bulk_id = $1",
      'delete from bulk_decisions where bulk_id = $1',
      "update bulk_approvals set expires_at = now() + interval '1 year' where bulk_id = $1",
      'delete from bulk_approvals where bulk_id = $1',
      "update bulks set created_by = 'person:per_other' where id = $1",
    ];
    for (const change of changes) expect([change, await refusal(pool.query(change, [id]))]).toEqual([change, FIXED]);
  });
});
