import { randomUUID } from 'node:crypto';

import { openReviewItem } from '../../src/db/review-items';
import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';
import { insertSubmissionBySql } from '../helpers/standing-payout';
import { failPayout, writeAnswer, writeIntent } from './payout-in-state';

let app: TestApp;
let merchant: TestMerchant;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(async () => {
  await app.close();
});
beforeEach(async () => {
  merchant = await seedMerchant(app.pool, { float: 5_000n });
  Object.assign(app.runs, { isDown: false, retryAnswer: 'clear', whileChecking: () => Promise.resolve() });
});

async function accept(changes: Record<string, unknown> = {}): Promise<string> {
  const body = payoutRequest(changes);
  const answer = await app.request('POST', '/v1/payouts', { key: merchant.key, idempotencyKey: randomUUID(), body });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

const cancel = (id: string): Promise<ApiAnswer> =>
  app.request('POST', `/v1/payouts/${id}/cancel`, { key: merchant.key });
const patch = (id: string, body: unknown): Promise<ApiAnswer> =>
  app.request('PATCH', `/v1/payouts/${id}`, { key: merchant.key, body });
const retry = (id: string, expectedAttempt: unknown, idempotencyKey: string = randomUUID()): Promise<ApiAnswer> =>
  app.request('POST', `/v1/payouts/${id}/retry`, {
    key: merchant.key,
    idempotencyKey,
    body: { expected_attempt: expectedAttempt },
  });
const read = (id: string): Promise<ApiAnswer> => app.request('GET', `/v1/payouts/${id}`, { key: merchant.key });

async function float(): Promise<[available: bigint, held: bigint]> {
  const { rows } = await app.pool.query<{ kind: string; balance: bigint }>(
    "select kind, balance from ledger_accounts where merchant_id = $1 and kind in ('available', 'held')",
    [merchant.id],
  );
  const of = (kind: string): bigint => rows.find((row) => row.kind === kind)?.balance ?? 0n;
  return [of('available'), of('held')];
}

async function reasons(id: string): Promise<unknown[]> {
  const { body } = await app.request('GET', `/v1/payouts/${id}/events`, { key: merchant.key });
  return body.data.map(({ from, to, reason }) => [from, to, reason]);
}

describe('cancel', () => {
  test('a queued payout is cancelled, its hold is released and its run is told', async () => {
    const id = await accept();
    const answer = await cancel(id);
    expect([answer.status, answer.body.state]).toEqual([200, 'cancelled']);
    expect(await float()).toEqual([5_000n, 0n]);
    expect(app.runs.calls).toContain(`changed ${id}`);
    expect(await reasons(id)).toEqual([
      [null, 'queued', 'accepted_by_api'],
      ['queued', 'cancelled', 'cancelled_by_merchant'],
    ]);
  });

  test('a scheduled one too, with the engine stopped', async () => {
    const id = await accept({ scheduled_at: new Date(Date.now() + 3_600_000).toISOString() });
    app.runs.isDown = true;
    expect((await cancel(id)).body.state).toBe('cancelled');
  });

  test('many times at once it is done once, and every answer says cancelled', async () => {
    const id = await accept();
    const answers = await Promise.all(Array.from({ length: 6 }, () => cancel(id)));
    expect(answers.map(({ status, body }) => [status, body.state])).toEqual(Array(6).fill([200, 'cancelled']));
    expect(await reasons(id)).toHaveLength(2);
    expect(await float()).toEqual([5_000n, 0n]);
  });

  test.each(['processing', 'pending', 'unknown', 'succeeded', 'failed'] as const)(
    'one that is %s is refused, and nothing changes',
    async (state) => {
      const id = await accept();
      await writeIntent(app.pool, id);
      if (state !== 'processing') await writeAnswer(app.pool, id, state);
      const before = await reasons(id);
      const answer = await cancel(id);
      expect([answer.status, answer.body.code, answer.body.state]).toEqual([409, 'not_cancellable', state]);
      expect(await reasons(id)).toEqual(before);
    },
  );

  /** What the API logged of refusals by PostgreSQL. */
  function alarms(): readonly Record<string, unknown>[] {
    return app.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ refusal }) => refusal !== undefined);
  }

  test('one that PostgreSQL cannot prove unsent alarms and goes before people, with its hold', async () => {
    const id = await accept();
    await insertSubmissionBySql(app.pool, { payoutId: id, attempt: 1, outcome: 'unknown' });
    const held = await float();
    for (let asked = 0; asked < 2; asked += 1) {
      const { status, body } = await cancel(id);
      expect([status, body.code, body.state]).toEqual([409, 'not_cancellable', 'in_review']);
    }
    expect((await read(id)).body.state).toBe('in_review');
    expect(await float()).toEqual(held);
    expect(app.runs.calls).toContain(`changed ${id}`);
    const { rows } = await app.pool.query('select kind from review_items where payout_id = $1', [id]);
    expect(rows).toEqual([{ kind: 'undo_refused' }]);
    const own = alarms().filter(({ payoutId }) => payoutId === id);
    expect(own).toMatchObject([{ level: 50, refusal: 'unproven_submission' }]);
  });

  test('whatever else PostgreSQL’s guards refuse alarms too', async () => {
    const id = await accept();
    await app.pool.query(
      `create function refuse_all() returns trigger language plpgsql as $$
       begin raise exception 'refused by the test' using errcode = 'CA003'; end $$;
       create trigger refuse_all before update on payouts for each row when (old.id = '${id}')
         execute function refuse_all()`,
    );
    const { status, body } = await patch(id, { description: 'Salary of June' });
    expect([status, body.code]).toEqual([500, 'internal_error']);
    const own = alarms().filter(({ payout }) => payout === id);
    expect(own).toMatchObject([{ level: 50, refusal: 'transition_refused', route: '/v1/payouts/{payoutId}' }]);
  });

  test('cancel and intent at once: exactly one of them wins', async () => {
    const id = await accept();
    const [answer, intent] = await Promise.all([
      cancel(id),
      writeIntent(app.pool, id).then(
        () => 'written',
        () => 'refused',
      ),
    ]);
    expect([answer.status, intent]).toEqual(intent === 'written' ? [409, 'written'] : [200, 'refused']);
  });
});

describe('change', () => {
  test('description and metadata change with one event, and what is the same changes nothing', async () => {
    const id = await accept();
    const answer = await patch(id, { description: 'Salary of June', metadata: { order: '8' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      description: 'Salary of June',
      metadata: { order: '8' },
      version: 2,
      reason: 'accepted_by_api',
    });
    expect((await patch(id, { description: 'Salary of June', metadata: { order: '8' } })).body.version).toBe(2);
    expect((await reasons(id)).at(-1)).toEqual(['queued', 'queued', 'details_changed']);
    expect((await read(id)).body).toMatchObject({ description: 'Salary of June', version: 2 });
  });

  test('the time changes while it is scheduled; its run is told, and the sweeper where it cannot be', async () => {
    const id = await accept({ scheduled_at: new Date(Date.now() + 3_600_000).toISOString() });
    const earlier = new Date(Date.now() + 60_000).toISOString();
    expect((await patch(id, { scheduled_at: earlier })).body).toMatchObject({ scheduled_at: earlier, version: 2 });
    expect(app.runs.calls).toContain(`changed ${id}`);
    const { rows } = await app.pool.query('select nudged from payouts where id = $1', [id]);
    expect(rows).toEqual([{ nudged: true }]);
    expect((await patch(id, { scheduled_at: '2020-01-01T00:00:00Z' })).body.errors).toEqual([
      expect.objectContaining({ pointer: '/scheduled_at' }),
    ]);
  });

  test('the time of one that is queued is refused, and so is any change of one that may have left', async () => {
    const id = await accept();
    const time = await patch(id, { scheduled_at: new Date(Date.now() + 60_000).toISOString() });
    expect([time.status, time.body.code, time.body.state]).toEqual([409, 'not_changeable', 'queued']);
    await writeIntent(app.pool, id);
    expect((await patch(id, { description: 'late' })).body.code).toBe('not_changeable');
    expect((await patch(id, {})).status).toBe(422);
  });
});

describe('retry', () => {
  test('of a payout that was sent again since under its reference is refused, and names the other one', async () => {
    const reference = `again-${randomUUID()}`;
    const id = await accept({ reference });
    await failPayout(app.pool, id);
    const second = await accept({ reference });
    const answer = await retry(id, 1);
    expect([answer.status, answer.body.code]).toEqual([409, 'sent_again']);
    expect(answer.body.detail).toContain(second);
    // Nothing of the refusal stays: once the other one is undone, the first may be sent again.
    expect((await cancel(second)).status).toBe(200);
    expect((await retry(id, 1)).status).toBe(202);
  });

  test('a failed payout takes a new hold and a new attempt, and its run is started', async () => {
    const id = await accept();
    await failPayout(app.pool, id);
    expect(await float()).toEqual([5_000n, 0n]);
    app.runs.calls.length = 0;
    const answer = await retry(id, 1);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      state: 'queued',
      attempt: 2,
      reason: 'retried_by_merchant',
      finished_at: null,
    });
    expect(app.runs.calls).toEqual([`check ${id} orange`, `start ${id} queued orange_sn orange`]);
    expect(await float()).toEqual([0n, 5_000n]);
    const now = await read(id);
    expect(now.body).toMatchObject(answer.body);
    const { rows } = await app.pool.query('select hold_no from payouts where id = $1', [id]);
    expect(rows).toEqual([{ hold_no: 2 }]);
  });

  test('the same key many times at once retries once, and all get the first answer', async () => {
    const id = await accept();
    await failPayout(app.pool, id);
    const answers = await Promise.all(Array.from({ length: 5 }, () => retry(id, 1, 'again')));
    expect(answers.map(({ status, body }) => [status, body.attempt])).toEqual(Array(5).fill([202, 2]));
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    const other = await retry(id, 2, 'again');
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused']);
  });

  test('two keys at once: one retries, the other is told', async () => {
    const id = await accept();
    await failPayout(app.pool, id);
    const answers = await Promise.all([retry(id, 1), retry(id, 1)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    expect(await float()).toEqual([0n, 5_000n]);
  });

  test('one that did not fail, is at another attempt or is being reviewed is refused', async () => {
    const id = await accept();
    expect((await retry(id, 1)).body.code).toBe('not_retryable');
    await failPayout(app.pool, id);
    expect((await retry(id, 2)).body).toMatchObject({ code: 'attempt_mismatch', attempt: 1 });
    await openReviewItem(app.pool, { payoutId: id, kind: 'late_credit', detail: null });
    expect((await retry(id, 1)).body.code).toBe('review_open');
  });

  test('a question that is opened while the provider is asked refuses it too', async () => {
    const id = await accept();
    await failPayout(app.pool, id);
    app.runs.whileChecking = async () => {
      await openReviewItem(app.pool, { payoutId: id, kind: 'late_credit', detail: null });
    };
    expect((await retry(id, 1)).body.code).toBe('review_open');
    expect(await float()).toEqual([5_000n, 0n]);
  });

  test.each([
    ['paid', 409, 'retry_found_paid'],
    ['unsure', 409, 'retry_not_proven'],
    ['unavailable', 503, 'unavailable'],
  ] as const)('look-ups that say %s refuse it with %d', async (verdict, status, code) => {
    const id = await accept();
    await failPayout(app.pool, id);
    app.runs.retryAnswer = verdict;
    const answer = await retry(id, 1, 'kept');
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    app.runs.retryAnswer = 'clear';
    expect((await retry(id, 1, 'kept')).status).toBe(202);
  });

  test('without float for the new hold it is refused, and stays failed', async () => {
    const id = await accept();
    await failPayout(app.pool, id);
    await accept();
    expect((await retry(id, 1)).body.code).toBe('insufficient_float');
    expect((await read(id)).body.state).toBe('failed');
  });
});
