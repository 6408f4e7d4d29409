import { randomUUID } from 'node:crypto';

import { createRecordingRuns, startTestApp } from '../helpers/app';
import type { ApiAnswer } from '../helpers/app';
import { eventually } from '../helpers/eventually';
import { ACCOUNT, PIN } from '../helpers/payout-world';
import type { BulkLine, BulkRunWorld } from './run-world';
import { createBulkRunWorld } from './run-world';

jest.setTimeout(200_000);

const ORANGE_ACCOUNT = {
  clientId: 'sandbox-client',
  clientSecret: 'sandbox-secret',
  accountNumber: ACCOUNT,
  idType: 'MSISDN',
} as const;

describe('failed lines of a bulk that are tried again', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());

  function suspend(lines: readonly BulkLine[], suspended: boolean): void {
    for (const { recipient } of lines) {
      world.simulator.putAccount({ msisdn: recipient.msisdn.replace('+221', ''), suspended });
    }
  }

  /** A completed bulk: `paid` lines that are, and `failed` ones of wallets that were suspended and are not any more. */
  async function failOnce(paid: number, failed: number): Promise<{ bulkId: string; lines: readonly BulkLine[] }> {
    const lines = world.linesOf(Array.from({ length: paid + failed }, () => 'default' as const));
    suspend(lines.slice(paid), true);
    const bulkId = await world.sendBulk(lines);
    const bulk = await world.untilBulk(bulkId, 'completed');
    expect(bulk.progress['failed']?.lines).toBe(failed);
    suspend(lines.slice(paid), false);
    return { bulkId, lines };
  }

  async function payoutOf(line: BulkLine): Promise<{ id: string; attempt: number; hold_no: number; owner: string }> {
    const { rows } = await world.pool.query<{ id: string; attempt: number; hold_no: number; owner: string }>(
      'select id, attempt, hold_no, owner from payouts where reference = $1',
      [line.reference],
    );
    return rows[0]!;
  }

  async function reasonsOf(bulkId: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ reason: string }>(
      'select reason from bulk_events where bulk_id = $1 order by sequence',
      [bulkId],
    );
    return rows.map(({ reason }) => reason);
  }

  /** Until the bulk is completed once more, after it was so many times before. */
  function untilCompleted(bulkId: string, times: number): Promise<unknown> {
    return eventually(
      'the bulk is completed again',
      async () => {
        const { rowCount } = await world.pool.query(
          "select 1 from bulk_events where bulk_id = $1 and to_state = 'completed'",
          [bulkId],
        );
        return rowCount === times;
      },
      150_000,
    );
  }

  async function expectEachPaidOnce(lines: readonly BulkLine[]): Promise<void> {
    for (const { recipient, amount } of lines) expect(await world.credited(recipient.msisdn)).toBe(BigInt(amount));
  }

  test('are paid once, as a new attempt under a hold of their own sum; the others stay as they are', async () => {
    const before = await world.balances();
    const curable = world.linesOf(Array.from({ length: 25 }, () => 'default' as const));
    // One is refused for ever; one is handed over and refused by its own run, each time.
    const others = world.linesOf([...Array.from({ length: 15 }, () => 'success' as const)]);
    const [refused] = world.linesOf(['customer_unknown']);
    const [handedOver] = world.linesOf(['pending_51_failed']);
    suspend(curable, true);
    const bulkId = await world.sendBulk([...others, refused!, ...curable, handedOver!]);
    await world.untilBulk(bulkId, 'completed');
    expect((await payoutOf(handedOver!)).owner).toMatch(/^payout\//);
    suspend(curable, false);

    const answer = await world.retryFailed(bulkId);
    expect([answer.status, answer.body]).toMatchObject([200, { intents_written: 0, lines_stopped: 0, unknown: 0 }]);
    await untilCompleted(bulkId, 2);
    const bulk = await world.readBulk(bulkId);
    expect(bulk.progress).toMatchObject({ succeeded: { lines: 40 }, failed: { lines: 2 } });
    await expectEachPaidOnce([...others, ...curable]);
    for (const line of curable) expect(await payoutOf(line)).toMatchObject({ attempt: 2, hold_no: 2 });
    for (const line of others) expect(await payoutOf(line)).toMatchObject({ attempt: 1, hold_no: 1 });
    expect(await payoutOf(refused!)).toMatchObject({ attempt: 2, hold_no: 2 });
    expect(await payoutOf(handedOver!)).toMatchObject({ attempt: 2, hold_no: 2 });
    const { rows: holds } = await world.pool.query<{ hold_no: number; amount: bigint }>(
      "select hold_no, amount from holds where owner = 'bulk/' || $1 order by hold_no",
      [bulkId],
    );
    const sum = [...curable, refused!, handedOver!].reduce((total, { amount }) => total + BigInt(amount), 0n);
    expect(holds.at(-1)).toEqual({ hold_no: 2, amount: sum });
    await world.expectPartsClosed(bulkId);
    await world.expectRollUpTrue(bulkId);
    const after = await world.balances();
    const paid = BigInt(bulk.progress['succeeded']!.amount);
    expect((after['paid'] ?? 0n) - (before['paid'] ?? 0n)).toBe(paid);
    expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(paid);
    expect(after['held']).toBe(before['held']);

    const { text } = await world.ask('GET', `/v1/bulk-cash-ins/${bulkId}/result.csv`);
    const rows = text.trim().split('\r\n').slice(1);
    expect(rows).toHaveLength(42);
    expect(rows.filter((row) => row.includes(',succeeded,'))).toHaveLength(40);
    expect(rows.filter((row) => row.includes(',failed,'))).toHaveLength(2);
  });

  test('and were sent again since, by reference or in another bulk, stay failed and are named', async () => {
    const { bulkId, lines } = await failOnce(1, 4);
    const [, byBulk, byPayout, cancelled, alone] = lines;
    const again = await world.sendBulk([{ ...byBulk!, reference: 'sent in a corrected file' }]);
    await world.untilBulk(again, 'completed');
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const single = { ...byPayout!, amount: 77, description: 'Salary of May', scheduled_at: later };
    const key = (): string => randomUUID();
    const one = await world.ask('POST', '/v1/payouts', { idempotencyKey: key(), body: single });
    const undone = { ...single, reference: cancelled!.reference };
    const two = await world.ask('POST', '/v1/payouts', { idempotencyKey: key(), body: undone });
    expect([one.status, two.status]).toEqual([202, 202]);
    await world.ask('POST', `/v1/payouts/${two.body.id}/cancel`);

    const answer = await world.retryFailed(bulkId);
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        sent_again: [
          { line: 2, by: `${again}, line 1` },
          { line: 3, by: one.body.id },
        ],
      },
    ]);
    await untilCompleted(bulkId, 2);
    expect(await world.credited(byBulk!.recipient.msisdn)).toBe(BigInt(byBulk!.amount));
    expect(await world.credited(byPayout!.recipient.msisdn)).toBe(0n);
    await expectEachPaidOnce([cancelled!, alone!]);
    for (const line of [byBulk!, byPayout!]) expect((await payoutOf(line)).attempt).toBe(1);
    expect((await world.readBulk(bulkId)).progress['failed']?.lines).toBe(2);

    const all = await world.retryFailed(bulkId);
    expect([all.status, all.body]).toMatchObject([409, { code: 'sent_again', sent_again: [{ line: 2 }, { line: 3 }] }]);
    await world.expectPartsClosed(bulkId);
    await world.ask('POST', `/v1/payouts/${one.body.id}/cancel`);
  });

  test('and are sent again while they are retried are paid by one of the two', async () => {
    const { bulkId, lines } = await failOnce(1, 8);
    const failed = lines.slice(1);
    const send = (line: BulkLine): Promise<ApiAnswer> =>
      world.ask('POST', '/v1/bulk-cash-ins', {
        idempotencyKey: randomUUID(),
        body: { lines: [{ ...line, reference: randomUUID() }] },
      });
    const [answer, ...sent] = await Promise.all([world.retryFailed(bulkId), ...failed.map(send)]);
    expect([200, 409]).toContain(answer.status);
    for (const { status, body } of sent) {
      if (status === 202) await world.untilBulk(body.id, 'completed');
      else expect([422, 503]).toContain(status);
    }
    await eventually(
      'the retry has ended',
      async () => {
        const { rowCount } = await world.pool.query(
          "select 1 from bulks where id = $1 and state = 'completed' and not retrying",
          [bulkId],
        );
        return rowCount === 1;
      },
      150_000,
    );
    await expectEachPaidOnce(failed);
  });

  test('many who ask at once retry once; a version that was seen says from where', async () => {
    const { bulkId, lines } = await failOnce(2, 6);
    const { version } = await world.readBulk(bulkId);
    expect((await world.retryFailed(bulkId, version - 1)).body).toMatchObject({ code: 'bulk_version' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => world.retryFailed(bulkId, version)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await untilCompleted(bulkId, 2);
    await expectEachPaidOnce(lines);
    expect((await reasonsOf(bulkId)).filter((reason) => reason === 'retry_failed')).toHaveLength(1);
    for (const line of lines.slice(2)) expect((await payoutOf(line)).attempt).toBe(2);
    expect((await world.retryFailed(bulkId)).body).toMatchObject({ status: 409, code: 'nothing_failed' });
    await world.expectPartsClosed(bulkId);
  });

  test('a request that comes again after its round has ended begins no other; none is taken without a version', async () => {
    const { bulkId, lines } = await failOnce(1, 3);
    const { version } = await world.readBulk(bulkId);
    suspend(lines.slice(1), true);
    expect((await world.retryFailed(bulkId, version)).status).toBe(200);
    await untilCompleted(bulkId, 2);
    expect((await world.readBulk(bulkId)).progress['failed']?.lines).toBe(3);
    suspend(lines.slice(1), false);

    const late = await world.retryFailed(bulkId, version);
    expect([late.status, late.body]).toMatchObject([200, { state: 'completed', progress: { failed: { lines: 3 } } }]);
    const path = `/v1/bulk-cash-ins/${bulkId}/retry-failed`;
    expect((await world.ask('POST', path)).status).toBe(400);
    const empty = await world.ask('POST', path, { body: {} });
    expect([empty.status, empty.body.errors]).toMatchObject([422, [{ pointer: '/expected_version' }]]);
    expect((await reasonsOf(bulkId)).filter((reason) => reason === 'retry_failed')).toHaveLength(1);
    for (const line of lines.slice(1)) expect((await payoutOf(line)).attempt).toBe(2);

    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await untilCompleted(bulkId, 3);
    await expectEachPaidOnce(lines);
    for (const line of lines.slice(1)) expect((await payoutOf(line)).attempt).toBe(3);
    expect((await world.retryFailed(bulkId, version)).status).toBe(200);
    expect((await world.readBulk(bulkId)).state).toBe('completed');
    await world.expectPartsClosed(bulkId);
  });

  test('one that is found paid after all is left to people, and the rest is sent', async () => {
    const { bulkId, lines } = await failOnce(1, 3);
    const late = lines[1]!;
    const { id } = await payoutOf(late);
    const [first] = await world.submissions(id);
    await creditLate(first!.id, late);
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await untilCompleted(bulkId, 2);
    await expectEachPaidOnce(lines);
    expect(await payoutOf(late)).toMatchObject({ attempt: 1 });
    const { rows } = await world.pool.query('select kind from review_items where payout_id = $1', [id]);
    expect(rows).toEqual([{ kind: 'late_credit' }]);

    // That one alone is failed by now, and is with people: nothing is left to try.
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await untilCompleted(bulkId, 3);
    expect((await world.readBulk(bulkId)).reason).toBe('nothing_to_retry');
    await expectEachPaidOnce(lines);
    await world.expectPartsClosed(bulkId);
    await world.expectRollUpTrue(bulkId);
  });

  test('while the provider cannot be asked nothing is taken back; a pause and a cancel are obeyed', async () => {
    const { bulkId, lines } = await failOnce(1, 3);
    world.simulator.configure({ endpointFaults: { search: { error_503: 1 } } });
    const { version } = await world.readBulk(bulkId);
    expect((await world.retryFailed(bulkId, version)).status).toBe(200);
    const asked = (): number => world.simulator.requests().byEndpoint['search'];
    const before = asked();
    await eventually('the provider was asked', () => asked() > before + 3);
    expect((await world.readBulk(bulkId)).progress['failed']?.lines).toBe(3);
    expect((await world.retryFailed(bulkId, version)).status).toBe(200);
    expect((await world.control(bulkId, 'pause')).status).toBe(200);
    expect((await world.retryFailed(bulkId)).body).toMatchObject({ status: 409, code: 'bulk_state' });
    world.simulator.configure({ endpointFaults: {} });
    expect((await world.readBulk(bulkId)).progress['failed']?.lines).toBe(3);
    expect((await world.control(bulkId, 'resume')).status).toBe(200);
    await untilCompleted(bulkId, 2);
    await expectEachPaidOnce(lines);
  });

  test('a cancel before they are taken back ends it: none is sent', async () => {
    const { bulkId, lines } = await failOnce(1, 2);
    world.simulator.configure({ endpointFaults: { search: { error_503: 1 } } });
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    expect(await world.control(bulkId, 'cancel')).toMatchObject({ status: 200, body: { state: 'stopping' } });
    world.simulator.configure({ endpointFaults: {} });
    const bulk = await world.untilBulk(bulkId, 'cancelled');
    expect(bulk.progress).toMatchObject({ succeeded: { lines: 1 }, failed: { lines: 2 } });
    expect(await world.paidLines(lines)).toBe(1);
  });

  test('too little float: no line changes, and what is missing is said', async () => {
    const { bulkId, lines } = await failOnce(1, 3);
    const { available = 0n } = await world.balances();
    await world.accept({ amount: available - 10n });
    const sum = lines.slice(1).reduce((total, { amount }) => total + BigInt(amount), 0n);
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await untilCompleted(bulkId, 2);
    expect((await world.readBulk(bulkId)).reason).toBe('insufficient_float');
    const { rows } = await world.pool.query<{ detail: string }>(
      "select detail from bulk_events where bulk_id = $1 and reason = 'insufficient_float'",
      [bulkId],
    );
    expect(rows).toEqual([{ detail: `missing ${sum - 10n} XOF` }]);
    for (const line of lines.slice(1)) expect(await payoutOf(line)).toMatchObject({ attempt: 1, hold_no: 1 });
    expect((await world.balances())['available']).toBe(10n);
    await world.topUp(20_000_000n);
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await untilCompleted(bulkId, 3);
    await expectEachPaidOnce(lines);
    for (const line of lines.slice(1)) expect(await payoutOf(line)).toMatchObject({ attempt: 2, hold_no: 3 });
    await world.expectPartsClosed(bulkId);
  });

  test('with Temporal stopped it is taken, and the sweeper tells a run', async () => {
    const { bulkId, lines } = await failOnce(1, 2);
    const runs = createRecordingRuns();
    runs.isDown = true;
    const app = await startTestApp({ pool: world.pool, sealing: world.vault, runs });
    const { version } = await world.readBulk(bulkId);
    try {
      const answer = await app.request('POST', `/v1/bulk-cash-ins/${bulkId}/retry-failed`, {
        key: world.merchantKey,
        body: { expected_version: version },
      });
      expect([answer.status, answer.body]).toMatchObject([200, { state: 'running' }]);
    } finally {
      await app.close();
    }
    expect(runs.calls).toEqual([`bulk decided ${bulkId}/${version + 1}`]);
    await untilCompleted(bulkId, 2);
    await expectEachPaidOnce(lines);
  });

  test('nobody else takes a bulk to a new hold', async () => {
    const { bulkId } = await failOnce(1, 1);
    for (const change of [
      'hold_no = 3, retrying = true',
      'hold_no = 2',
      "hold_no = 2, state = 'running', version = 9",
    ]) {
      await expect(world.pool.query(`update bulks set ${change} where id = $1`, [bulkId])).rejects.toMatchObject({
        code: 'CA003',
      });
    }
  });

  /** The provider takes an order after all, under our reference. */
  async function creditLate(reference: string, { recipient, amount }: BulkLine): Promise<void> {
    const { sandbox: orange } = world.providers.orange;
    const { value: token } = await orange.authenticate(ORANGE_ACCOUNT);
    const key = await orange.account.fetchEncryptionKey(ORANGE_ACCOUNT, token);
    const encryptedPin = orange.account.encryptPin(PIN, key);
    const order = { reference, amount: BigInt(amount), currency: 'XOF', recipient: recipient.msisdn } as const;
    await orange.submit(
      { ...order, account: ORANGE_ACCOUNT, token, encryptedPin },
      () => Promise.resolve('go'),
      new Date(Date.now() + 5_000),
    );
  }
});
