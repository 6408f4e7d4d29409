import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import { returnPayout } from '../../src/db/operator-actions';
import { startBulk } from '../../src/db/start-bulk';
import { payoutRequest, seedMerchant, startTestApp } from '../helpers/app';
import type { ApiAnswer, TestApp, TestMerchant } from '../helpers/app';
import { eventually } from '../helpers/eventually';
import { listLockWaiters } from '../helpers/lock-waiters';
import { addPerson, addVerifiedOperators } from '../helpers/persons';

describe('a merchant’s thresholds count what one person sent within the window', () => {
  let app: TestApp;
  let merchant: TestMerchant;
  beforeAll(async () => {
    app = await startTestApp();
    await addVerifiedOperators(app.pool, 'per_one');
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    merchant = await seedMerchant(app.pool);
    await setThresholds({ lines: 5, total: 10_000 });
  });

  async function setThresholds({ lines, total }: { lines: number | null; total: number | null }): Promise<void> {
    await app.pool.query('update merchants set approval_above_lines = $2, approval_above_total = $3 where id = $1', [
      merchant.id,
      lines,
      total,
    ]);
  }

  const single = (amount: number, key = merchant.key, idempotencyKey: string = randomUUID()): Promise<ApiAnswer> =>
    app.request('POST', '/v1/payouts', { key, idempotencyKey, body: payoutRequest({ amount }) });

  async function bulk(amounts: readonly number[], key = merchant.key): Promise<ApiAnswer> {
    const lines = amounts.map((amount) => ({
      ...payoutRequest({ amount }),
      reference: randomUUID(),
      recipient: { msisdn: `+22177${String(Math.floor(Math.random() * 10_000_000)).padStart(7, '0')}` },
    }));
    return await app.request('POST', '/v1/bulk-cash-ins', { key, idempotencyKey: randomUUID(), body: { lines } });
  }

  const start = (id: string): Promise<void> => startBulk(app.pool, id, { approvalForMs: 3_600_000 });

  async function stateOf(id: string): Promise<string> {
    const { rows } = await app.pool.query<{ state: string }>('select state from bulks where id = $1', [id]);
    return rows[0]!.state;
  }

  const saysOf = ({ status, body }: ApiAnswer): unknown => [status, status < 300 ? body.state : body.code];

  test('singles that together pass a threshold: the one that would is refused, leaves no trace, and goes as a bulk', async () => {
    expect(saysOf(await single(6_000))).toEqual([202, 'queued']);
    const key = randomUUID();
    expect(saysOf(await single(5_000, merchant.key, key))).toEqual([409, 'approval_required']);
    const { rows } = await app.pool.query('select amount from payouts where merchant_id = $1', [merchant.id]);
    expect(rows).toEqual([{ amount: 6_000n }]);
    expect(saysOf(await bulk([5_000]))).toEqual([202, 'awaiting_approval']);
    expect(saysOf(await single(4_000, merchant.key, key))).toEqual([202, 'queued']);
    expect(saysOf(await single(1))).toEqual([409, 'approval_required']);
  });

  test('singles by their number', async () => {
    for (let sent = 0; sent < 5; sent += 1) expect(saysOf(await single(1_000 + sent))).toEqual([202, 'queued']);
    expect(saysOf(await single(1))).toEqual([409, 'approval_required']);
  });

  test('several bulks below it, started or not, and bulks beside singles', async () => {
    const first = await bulk([2_000, 2_000]);
    expect(saysOf(first)).toEqual([202, 'ready']);
    expect(saysOf(await bulk([3_000, 3_500]))).toEqual([202, 'awaiting_approval']);
    await start(first.body.id);
    expect(await stateOf(first.body.id)).toBe('running');
    expect(saysOf(await bulk([3_000, 3_500]))).toEqual([202, 'awaiting_approval']);
    expect(saysOf(await single(6_001))).toEqual([409, 'approval_required']);
    expect(saysOf(await single(6_000))).toEqual([202, 'queued']);
  });

  test('keys of one person, and of the systems that the person is responsible for, count together; others alone', async () => {
    const person = await addPerson(app.pool);
    const tenant = { merchantId: merchant.id, environment: merchant.environment } as const;
    const keyFor = async (subject: Parameters<typeof createApiKey>[1]['subject'] & object): Promise<string> =>
      (await createApiKey(app.pool, { role: 'merchant', ...tenant, subject })).key;
    const own = await keyFor({ kind: 'person', personId: person });
    const second = await keyFor({ kind: 'person', personId: person });
    const system = await keyFor({ kind: 'system', systemId: 'erp', responsiblePersonId: person });
    expect(saysOf(await single(6_000, own))).toEqual([202, 'queued']);
    expect(saysOf(await single(5_000, second))).toEqual([409, 'approval_required']);
    expect(saysOf(await single(5_000, system))).toEqual([409, 'approval_required']);
    expect(saysOf(await bulk([5_000], system))).toEqual([202, 'awaiting_approval']);
    expect(saysOf(await single(5_000))).toEqual([202, 'queued']);
  });

  test('what another person approved is not counted, nor what lies before the window', async () => {
    expect(saysOf(await bulk([20_000]))).toEqual([202, 'awaiting_approval']);
    expect(saysOf(await single(9_000))).toEqual([202, 'queued']);
    await app.pool.query("update sent_unapproved set minute = minute - interval '25 hours' where merchant_id = $1", [
      merchant.id,
    ]);
    expect(saysOf(await single(9_001))).toEqual([202, 'queued']);
    await app.pool.query("update merchants set approval_window = '72 hours' where id = $1", [merchant.id]);
    expect(saysOf(await single(1_000))).toEqual([409, 'approval_required']);
  });

  test('a threshold of none counts nothing', async () => {
    await setThresholds({ lines: null, total: null });
    for (let sent = 0; sent < 3; sent += 1) expect(saysOf(await single(9_000 + sent))).toEqual([202, 'queued']);
  });

  describe('when two come at once exactly one passes', () => {
    test('of singles', async () => {
      for (let round = 0; round < 5; round += 1) {
        merchant = await seedMerchant(app.pool);
        await setThresholds({ lines: null, total: 10_000 });
        const answers = await Promise.all(Array.from({ length: 4 }, (_, index) => single(6_000 + index)));
        expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409, 409]);
      }
    });

    test('of singles in two processes, written in one transaction each', async () => {
      const insert = `insert into payouts (id, merchant_id, environment, owner, state, amount, currency, method, provider, credential_id,
          description, customer_enc, reason, sweep_after, created_by)
        values ($1, $2, 'sandbox', $1, 'queued', 6000, 'XOF', 'orange_sn', 'orange', $3, 'x', '', 'test', now(), 'person:per_shop')`;
      const [one, other] = [await app.pool.connect(), await app.pool.connect()];
      try {
        await one.query('begin');
        await one.query(insert, [randomUUID(), merchant.id, merchant.credentialId]);
        const waits = other.query(insert, [randomUUID(), merchant.id, merchant.credentialId]).then(
          () => 'done',
          (error: unknown) => (error as { code: string }).code,
        );
        await eventually(
          'the second one waits for the first',
          async () => (await listLockWaiters(app.pool)).length === 1,
        );
        await one.query('commit');
        expect(await waits).toBe('CA403');
      } finally {
        one.release();
        other.release();
      }
    });

    test('of bulks as they are accepted', async () => {
      for (let round = 0; round < 3; round += 1) {
        merchant = await seedMerchant(app.pool);
        await setThresholds({ lines: 5, total: null });
        const answers = await Promise.all([bulk([1_000, 1_001, 1_002]), bulk([1_003, 1_004, 1_005])]);
        expect(answers.map(saysOf).toSorted()).toEqual([
          [202, 'awaiting_approval'],
          [202, 'ready'],
        ]);
      }
    });

    test('of bulks as they start, also where both were accepted below it', async () => {
      await setThresholds({ lines: null, total: null });
      const ids = [(await bulk([6_000])).body.id, (await bulk([6_001])).body.id];
      await setThresholds({ lines: null, total: 10_000 });
      await Promise.all(ids.map(start));
      expect((await Promise.all(ids.map(stateOf))).toSorted()).toEqual(['awaiting_approval', 'running']);
    });
  });

  test('PostgreSQL refuses a bulk that goes on without an approval, whoever writes', async () => {
    expect(saysOf(await single(6_000))).toEqual([202, 'queued']);
    await setThresholds({ lines: null, total: null });
    const { body } = await bulk([5_000]);
    await setThresholds({ lines: null, total: 10_000 });
    for (const state of ['scheduled', 'awaiting_float', 'running']) {
      const move = app.pool.query('update bulks set state = $2, version = version + 1 where id = $1', [body.id, state]);
      await expect(move).rejects.toMatchObject({ code: 'CA003' });
    }
  });

  test('an operator’s returns count alike: above a threshold two operators decide', async () => {
    await setThresholds({ lines: null, total: null });
    const paid: string[] = [];
    for (const amount of [6_000, 5_000]) {
      const { body } = await single(amount);
      await app.pool.query("update payouts set state = 'processing', version = version + 1 where id = $1", [body.id]);
      await app.pool.query(
        `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number, amount, currency, send_by)
         values ('sub_' || $1::text, $1, 1, 1, 1, 'call', 'orange', $2, '770000001', $3, 'XOF', now())`,
        [body.id, merchant.credentialId, amount],
      );
      await app.pool.query(
        "update submissions set outcome = 'settled', source = 'answer', source_id = id where payout_id = $1",
        [body.id],
      );
      await app.pool.query("update payouts set state = 'succeeded', version = version + 1 where id = $1", [body.id]);
      await app.pool.query("select capture_hold($1, 'sub_' || $1)", [body.id]);
      paid.push(body.id);
    }
    await setThresholds({ lines: null, total: 10_000 });
    const giveBack = (payoutId: string): Promise<unknown> => returnPayout(app.pool, { payoutId, personId: 'per_one' });
    expect(await giveBack(paid[0]!)).toMatchObject({ state: 'returned' });
    await expect(giveBack(paid[1]!)).rejects.toThrow('two operators decide');
    const { rows } = await app.pool.query('select state from payouts where id = $1', [paid[1]]);
    expect(rows).toEqual([{ state: 'succeeded' }]);
  });
});
