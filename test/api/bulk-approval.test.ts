import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { seedOperator } from '../helpers/app';
import { addOperators, addPerson, operatorKeyOf } from '../helpers/persons';
import { bulkWorld, csv, line, PERSON } from './bulk-world';
import type { BulkAnswer, BulkWorld } from './bulk-world';

interface Approval {
  required: boolean;
  threshold: { lines: number | null; total: string | null };
  state: string;
  by: string | null;
  at: string | null;
  reason: string | null;
  expires_at: string;
  content_hash: string;
}

interface Event {
  to_state: string;
  actor: string;
  reason: string;
}

const HOUR_MS = 3_600_000;

/** Lines above which this merchant's bulks need an approval, and minor units. */
const LINES = 2;
const TOTAL = 5_000n;

describe('a bulk above a threshold', () => {
  let world: BulkWorld;
  /** Keys of two persons who sent nothing, of the initiator once more, and of a system. */
  let first: string;
  let second: string;
  let initiatorsOther: string;
  let system: string;
  beforeAll(async () => {
    world = await bulkWorld();
    await setThresholds(LINES, TOTAL);
    first = await world.keyOf({ kind: 'person', personId: 'per_first' });
    second = await world.keyOf({ kind: 'person', personId: 'per_second' });
    initiatorsOther = await world.keyOf({ kind: 'person', personId: PERSON });
    system = await world.keyOf({ kind: 'system', systemId: 'payroll' });
  });
  afterAll(() => world.close());

  async function setThresholds(lines: number | null, total: bigint | null): Promise<void> {
    // Each bulk alone: what one person sent before is counted in test/api/approval-window.test.ts.
    await world.pool.query(
      "update merchants set approval_above_lines = $2, approval_above_total = $3, approval_window = '0' where id = $1",
      [world.merchantId, lines, total],
    );
  }

  async function send(amounts: readonly number[], { as, ...options }: { as?: string; scheduled_at?: string } = {}) {
    const body = csv(amounts.map((amount) => line({ amount: String(amount) })));
    const total = amounts.reduce((sum, amount) => sum + amount, 0);
    const query = { ...options, declared_count: String(amounts.length), declared_total: String(total) };
    return await world.send({ type: 'text/csv', body, query, ...(as === undefined ? {} : { as }) });
  }

  /** A bulk of three lines of 1000 that waits. */
  async function waiting(options: { as?: string; scheduled_at?: string } = {}): Promise<{ id: string; hash: string }> {
    const { status, body } = await send([1_000, 1_000, 1_000], options);
    expect([status, body.state]).toEqual([202, 'awaiting_approval']);
    return { id: body.id, hash: body.content_sha256 };
  }

  const approve = (id: string, hash: string, key: string, reason?: string): Promise<BulkAnswer> =>
    world.post(`/v1/bulk-cash-ins/${id}/approve`, { content_hash: hash, reason }, key);

  const refuse = (id: string, hash: string, key: string, reason?: string): Promise<BulkAnswer> =>
    world.post(`/v1/bulk-cash-ins/${id}/refuse`, { content_hash: hash, reason }, key);

  const codeOf = ({ status, body }: BulkAnswer): [number, string] => [status, status < 300 ? body.state : body.code];

  async function read(id: string): Promise<BulkAnswer['body'] & { approval: Approval; progress: object }> {
    return (await world.get(`/v1/bulk-cash-ins/${id}`)).body as never;
  }

  async function events(id: string): Promise<Event[]> {
    const { rows } = await world.pool.query<Event>(
      'select to_state, actor, reason from bulk_events where bulk_id = $1 order by sequence',
      [id],
    );
    return rows;
  }

  async function reasonsOf(id: string): Promise<string[]> {
    return (await events(id)).map(({ reason }) => reason);
  }

  async function decisionsOf(id: string): Promise<{ verdict: string; person_id: string }[]> {
    const { rows } = await world.pool.query<{ verdict: string; person_id: string }>(
      'select verdict, person_id from bulk_decisions where bulk_id = $1',
      [id],
    );
    return rows;
  }

  /** Minor units held for this bulk. */
  async function heldFor(id: string): Promise<bigint> {
    const { rows } = await world.pool.query<{ amount: bigint }>(
      "select amount from holds where owner = 'bulk/' || $1 and closed_by is null",
      [id],
    );
    return rows[0]?.amount ?? 0n;
  }

  describe('is asked for', () => {
    test.each([
      ['more lines', [1_000, 1_000, 1_000], { lines: LINES, total: null }],
      ['a larger total', [3_000, 3_000], { lines: null, total: String(TOTAL) }],
      ['both', [3_000, 3_000, 3_000], { lines: LINES, total: String(TOTAL) }],
    ])('with %s', async (_name, amounts, threshold) => {
      const { body: accepted } = await send(amounts);
      const approval = {
        ...{ required: true, threshold, state: 'waiting', by: null, at: null, reason: null },
        content_hash: accepted.content_sha256,
      };
      expect(accepted).toMatchObject({ state: 'awaiting_approval', reason: 'above_threshold', version: 3, approval });
      const bulk = await read(accepted.id);
      expect(bulk).toMatchObject({ state: 'awaiting_approval', reason: 'above_threshold', version: 3, approval });
      const hours = (Date.parse(bulk.approval.expires_at) - Date.now()) / HOUR_MS;
      expect(hours).toBeGreaterThan(71.9);
      expect(hours).toBeLessThan(72.1);
      expect(await heldFor(bulk.id)).toBe(0n);
    });

    test('but not for one at the thresholds, nor where there are none', async () => {
      const { body: atBoth } = await send([2_500, 2_500]);
      expect(atBoth).toMatchObject({ state: 'ready', approval: null });
      await setThresholds(null, null);
      const { body: above } = await send([9_000, 9_000, 9_000]);
      await setThresholds(LINES, TOTAL);
      expect(above).toMatchObject({ state: 'ready', approval: null });
    });

    test('and a dry run says so', async () => {
      const dry = async (amounts: readonly number[]): Promise<unknown> => {
        const lines = amounts.map((amount) => line({ amount: String(amount) }));
        const declared_total = String(amounts.reduce((sum, amount) => sum + amount, 0));
        const query = { declared_count: String(amounts.length), declared_total, dry_run: 'true' };
        return (await world.send({ type: 'text/csv', body: csv(lines), query })).body;
      };
      expect(await dry([1_000, 1_000, 1_000])).toMatchObject({ needs_approval: true });
      expect(await dry([1_000, 1_000])).toMatchObject({ needs_approval: false });
    });
  });

  test('goes on once another person approves it, and its history names him', async () => {
    const { id, hash } = await waiting();
    const answer = await approve(id, hash, first, 'Checked against the payroll');
    expect(codeOf(answer)).toEqual([200, 'running']);
    expect(await heldFor(id)).toBe(3_000n);
    expect(await read(id)).toMatchObject({
      state: 'running',
      approval: {
        state: 'approved',
        by: 'person:per_first',
        at: expect.any(String),
        reason: 'Checked against the payroll',
      },
      progress: { accepted: { lines: 3, amount: '3000' } },
    });
    expect((await events(id)).slice(-3)).toEqual([
      { to_state: 'awaiting_approval', actor: 'system', reason: 'above_threshold' },
      { to_state: 'awaiting_approval', actor: 'person:per_first', reason: 'approved' },
      { to_state: 'running', actor: 'system', reason: 'held' },
    ]);
    expect(world.runs.calls.at(-1)).toBe(`bulk decided ${id}/${answer.body.version}`);
  });

  test('not by a person who is not verified, whom the sender invited, or who answers for the system that sent it', async () => {
    const keyOf = async (personId: string, { isVerified }: { isVerified: boolean }): Promise<string> => {
      const subject = { kind: 'person', personId } as const;
      if (isVerified) return await world.keyOf(subject);
      const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
      await addPerson(world.pool, personId);
      return (await createApiKey(world.pool, { role: 'merchant', ...tenant, subject })).key;
    };
    const { id, hash } = await waiting();
    const unverified = await keyOf('per_unverified', { isVerified: false });
    expect(codeOf(await approve(id, hash, unverified))).toEqual([403, 'person_not_verified']);
    expect(codeOf(await refuse(id, hash, unverified, 'No'))).toEqual([403, 'person_not_verified']);
    const invited = await keyOf('per_invited', { isVerified: true });
    await addOperators(world.pool, PERSON);
    await world.pool.query("insert into person_acts (person_id, act, key_id) values ('per_invited', 'invited', $1)", [
      operatorKeyOf(PERSON),
    ]);
    expect(codeOf(await approve(id, hash, invited))).toEqual([403, 'person_not_independent']);
    const responsible = await keyOf('per_shop', { isVerified: true });
    const bySystem = await waiting({ as: system });
    expect(codeOf(await approve(bySystem.id, bySystem.hash, responsible))).toEqual([403, 'own_bulk']);
    expect(codeOf(await approve(bySystem.id, bySystem.hash, first))).toEqual([200, 'running']);
  });

  test('one for later waits for its time, one without float for a top-up', async () => {
    const later = await waiting({ scheduled_at: new Date(Date.now() + HOUR_MS).toISOString() });
    expect(codeOf(await approve(later.id, later.hash, first))).toEqual([200, 'scheduled']);
    expect(await heldFor(later.id)).toBe(0n);
    const { body: dear } = await send([2_000_000]);
    expect(codeOf(await approve(dear.id, dear.content_sha256, first))).toEqual([200, 'awaiting_float']);
    expect(await reasonsOf(dear.id)).toEqual(
      expect.arrayContaining(['above_threshold', 'approved', 'insufficient_float']),
    );
    expect(await decisionsOf(dear.id)).toEqual([{ verdict: 'approved', person_id: 'per_first' }]);
  });

  test('refused, it ends with its lines, and says who and why', async () => {
    const { id, hash } = await waiting();
    expect(codeOf(await refuse(id, hash, first, 'Awa left in April'))).toEqual([200, 'rejected']);
    expect(await read(id)).toMatchObject({
      state: 'rejected',
      reason: 'approval_refused',
      approval: { state: 'refused', by: 'person:per_first', reason: 'Awa left in April' },
      progress: { cancelled: { lines: 3, amount: '3000' } },
    });
    const { rows } = await world.pool.query('select distinct state, reason from payouts where bulk_id = $1', [id]);
    expect(rows).toEqual([{ state: 'cancelled', reason: 'bulk_rejected' }]);
    expect(await heldFor(id)).toBe(0n);
    const stored = await world.pool.query<{ row: string }>(
      `select bulk_decisions::text || (select string_agg(bulk_events::text, '') from bulk_events where bulk_id = $1) as row
       from bulk_decisions where bulk_id = $1`,
      [id],
    );
    expect(stored.rows[0]!.row).not.toContain('April');
  });

  describe('is not decided', () => {
    test('by the person who sent it, under none of his keys', async () => {
      const { id, hash } = await waiting();
      for (const key of [world.key, initiatorsOther]) {
        expect(codeOf(await approve(id, hash, key))).toEqual([403, 'own_bulk']);
        expect(codeOf(await refuse(id, hash, key, 'no'))).toEqual([403, 'own_bulk']);
      }
      const bySecondKey = await waiting({ as: initiatorsOther });
      expect(codeOf(await approve(bySecondKey.id, bySecondKey.hash, world.key))).toEqual([403, 'own_bulk']);
      expect(await decisionsOf(id)).toEqual([]);
      expect((await read(id)).state).toBe('awaiting_approval');
    });

    test('by a system', async () => {
      const { id, hash } = await waiting();
      expect(codeOf(await approve(id, hash, system))).toEqual([403, 'approval_needs_person']);
      expect(codeOf(await refuse(id, hash, system, 'no'))).toEqual([403, 'approval_needs_person']);
      expect((await read(id)).state).toBe('awaiting_approval');
    });

    test('by an operator or a stranger', async () => {
      const { id, hash } = await waiting();
      const { key } = await seedOperator(world.pool);
      expect(codeOf(await approve(id, hash, key))).toEqual([403, 'wrong_role']);
      expect(codeOf(await approve(id, hash, world.strangersKey))).toEqual([404, 'not_found']);
    });

    test('under another content than its own', async () => {
      const { id } = await waiting();
      const other = await waiting();
      expect(codeOf(await approve(id, other.hash, first))).toEqual([409, 'bulk_content_differs']);
      expect(codeOf(await refuse(id, other.hash, first, 'no'))).toEqual([409, 'bulk_content_differs']);
      expect((await read(id)).state).toBe('awaiting_approval');
    });

    test.each([
      ['approve', {}],
      ['approve', { content_hash: 'abc' }],
      ['refuse', { content_hash: 'a'.repeat(64) }],
      ['refuse', { content_hash: 'a'.repeat(64), reason: ' ' }],
      ['refuse', { content_hash: 'a'.repeat(64), reason: 'no', verdict: 'approved' }],
    ])('by %s with %j', async (act, body) => {
      const { id } = await waiting();
      expect(codeOf(await world.post(`/v1/bulk-cash-ins/${id}/${act}`, body, first))).toEqual([422, 'invalid_request']);
    });

    test('where it needs no approval', async () => {
      const { body } = await send([1_000]);
      const answer = await approve(body.id, body.content_sha256, first);
      expect([...codeOf(answer), answer.body.state]).toEqual([409, 'bulk_state', 'ready']);
    });

    test('after it was cancelled', async () => {
      const { id, hash } = await waiting();
      expect(codeOf(await world.post(`/v1/bulk-cash-ins/${id}/cancel`))).toEqual([200, 'cancelled']);
      const answer = await approve(id, hash, first);
      expect([...codeOf(answer), answer.body.state]).toEqual([409, 'bulk_state', 'cancelled']);
      expect((await read(id)).approval).toMatchObject({ state: 'cancelled', by: null });
    });
  });

  test('after its time it is rejected, also where no run saw to it', async () => {
    const soon = await bulkWorld({ BULK_APPROVAL_HOURS: 0.3 / 3_600 });
    await soon.pool.query('update merchants set approval_above_lines = 0');
    const key = await soon.keyOf({ kind: 'person', personId: 'per_first' });
    const query = { declared_count: '1', declared_total: '1000' };
    const { body } = await soon.send({ type: 'text/csv', body: csv([line({})]), query });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const decision = { content_hash: body.content_sha256 };
    const answer = await soon.post(`/v1/bulk-cash-ins/${body.id}/approve`, decision, key);
    expect([...codeOf(answer), answer.body.state]).toEqual([409, 'bulk_state', 'rejected']);
    const bulk = (await soon.get(`/v1/bulk-cash-ins/${body.id}`)).body;
    expect(bulk).toMatchObject({
      state: 'rejected',
      reason: 'approval_expired',
      approval: { state: 'expired', by: null },
      progress: { cancelled: { lines: 1 } },
    });
    await soon.close();
  });

  test('one that a system sent is approved by any one person', async () => {
    const { id, hash } = await waiting({ as: system });
    expect(codeOf(await approve(id, hash, system))).toEqual([403, 'approval_needs_person']);
    expect(codeOf(await approve(id, hash, world.key))).toEqual([200, 'running']);
  });

  test('the same decision of the same person again is answered as before, another one is not', async () => {
    const { id, hash } = await waiting();
    const before = await approve(id, hash, first);
    const anotherKey = await world.keyOf({ kind: 'person', personId: 'per_first' });
    for (const key of [first, anotherKey])
      expect((await approve(id, hash.toUpperCase(), key)).body).toEqual(before.body);
    for (const answer of [await approve(id, hash, second), await refuse(id, hash, first, 'no')]) {
      expect([...codeOf(answer), answer.body.state]).toEqual([409, 'bulk_state', 'running']);
    }
    expect(await decisionsOf(id)).toEqual([{ verdict: 'approved', person_id: 'per_first' }]);
    expect((await reasonsOf(id)).filter((reason) => reason === 'approved')).toHaveLength(1);

    const refused = await waiting();
    const once = await refuse(refused.id, refused.hash, first, 'no');
    expect((await refuse(refused.id, refused.hash, first, 'no')).body).toEqual(once.body);
    expect(codeOf(await approve(refused.id, refused.hash, first))).toEqual([409, 'bulk_state']);
  });

  test('with the engine away a decision holds all the same', async () => {
    world.runs.isDown = true;
    const one = await waiting();
    const other = await waiting();
    expect(codeOf(await approve(one.id, one.hash, first))).toEqual([200, 'running']);
    expect(codeOf(await refuse(other.id, other.hash, first, 'no'))).toEqual([200, 'rejected']);
    world.runs.isDown = false;
    const { rows } = await world.pool.query('select nudged from bulks where id = $1', [one.id]);
    expect(rows).toEqual([{ nudged: true }]);
  });

  describe('decided by several at once has one history that may be', () => {
    /** All at once, while the row is locked, so that they meet at it. */
    async function race(
      id: string,
      round: number,
      acts: readonly [() => Promise<BulkAnswer>, () => Promise<BulkAnswer>],
    ): Promise<readonly [BulkAnswer, BulkAnswer]> {
      const session = await world.pool.connect();
      await session.query('begin');
      await session.query('select 1 from bulks where id = $1 for update', [id]);
      const isReversed = round % 2 === 1;
      const answers = Promise.all((isReversed ? acts.toReversed() : acts).map((act) => act()));
      await new Promise((resolve) => setTimeout(resolve, 200));
      await session.query('rollback');
      session.release();
      const [one, two] = (await answers) as [BulkAnswer, BulkAnswer];
      return isReversed ? [two, one] : [one, two];
    }

    const ROUNDS = [0, 1, 2, 3];

    test.each(ROUNDS)('approve against refuse (%d)', async (round) => {
      const { id, hash } = await waiting();
      const [approved, refused] = await race(id, round, [
        () => approve(id, hash, first),
        () => refuse(id, hash, second, 'no'),
      ]);
      const isApproved = approved.status === 200;
      expect([approved.status, refused.status]).toEqual(isApproved ? [200, 409] : [409, 200]);
      expect(await decisionsOf(id)).toEqual([
        isApproved ? { verdict: 'approved', person_id: 'per_first' } : { verdict: 'refused', person_id: 'per_second' },
      ]);
      expect((await read(id)).state).toBe(isApproved ? 'running' : 'rejected');
      expect(await heldFor(id)).toBe(isApproved ? 3_000n : 0n);
    });

    test.each(ROUNDS)('two approvals (%d)', async (round) => {
      const { id, hash } = await waiting();
      const answers = await race(id, round, [() => approve(id, hash, first), () => approve(id, hash, second)]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
      expect(await decisionsOf(id)).toHaveLength(1);
      expect((await reasonsOf(id)).slice(-3)).toEqual(['above_threshold', 'approved', 'held']);
      expect(await heldFor(id)).toBe(3_000n);
    });

    test.each(ROUNDS)('approve against cancel (%d)', async (round) => {
      const { id, hash } = await waiting();
      const cancel = (): Promise<BulkAnswer> => world.post(`/v1/bulk-cash-ins/${id}/cancel`, undefined, world.key);
      const [approved, cancelled] = await race(id, round, [() => approve(id, hash, first), cancel]);
      expect(cancelled.status).toBe(200);
      expect(await reasonsOf(id)).toEqual([
        ...['coming_in', 'accepted_by_api', 'above_threshold'],
        ...(approved.status === 200 ? ['approved', 'held'] : []),
        'cancelled_by_merchant',
      ]);
      expect((await read(id)).state).toBe(approved.status === 200 ? 'stopping' : 'cancelled');
      expect((await read(id)).progress).toEqual({ cancelled: { lines: 3, amount: '3000' } });
      expect(await heldFor(id)).toBe(0n);
    });
  });

  test('the same upload again has the same answer, whatever was decided since', async () => {
    const lines = [1, 2, 3].map(() => line({ amount: '1000' }));
    const query = { declared_count: '3', declared_total: '3000' };
    const upload = { type: 'text/csv', body: csv(lines), query, key: randomUUID() };
    const { body } = await world.send(upload);
    await approve(body.id, body.content_sha256, first);
    expect((await world.send(upload)).body).toEqual(body);
  });

  test('is listed for those who may approve it, and for nobody else', async () => {
    const { id } = await waiting();
    const listed = async (key: string): Promise<unknown[]> => {
      const { body } = await world.get('/v1/bulk-cash-ins?awaiting_my_approval=true&limit=100', key);
      return (body as unknown as { data: { id: string }[] }).data.map((bulk) => bulk.id);
    };
    expect(await listed(first)).toContain(id);
    expect(await listed(world.key)).not.toContain(id);
    expect(await listed(initiatorsOther)).not.toContain(id);
    const { status, body } = await world.get('/v1/bulk-cash-ins?awaiting_my_approval=true', system);
    expect([status, body.code]).toEqual([403, 'approval_needs_person']);
    await world.pool.query('alter table bulk_approvals disable trigger user');
    await world.pool.query("update bulk_approvals set expires_at = now() - interval '1 second' where bulk_id = $1", [
      id,
    ]);
    await world.pool.query('alter table bulk_approvals enable trigger user');
    expect(await listed(first)).not.toContain(id);
  });
});
