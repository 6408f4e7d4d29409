import { BULK_SCENARIOS } from '../../src/simulators/orange';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld, PATIENCE_MS } from './run-world';
import type { BulkLine, BulkRunWorld } from './run-world';

jest.setTimeout(300_000);

/** Batches whose truth the provider never shows: nothing of them appears in any search, and no answer says so. */
const NEVER_TOLD = [
  'bulk_dropped',
  'bulk_lost_before',
  'bulk_reset_before',
  'bulk_500_before',
  // Refused by a code that may be one line's: of the others it proves nothing.
  'bulk_bad_request',
  'bulk_payer_balance',
];

/** Batches that the provider refuses again and again until somebody cures the cause: their lines wait. */
const TO_BE_CURED = ['bulk_access_forbidden'];

describe("Orange's own bulk call", () => {
  let world: BulkRunWorld;
  let batches = 0;
  beforeAll(async () => {
    world = await createBulkRunWorld({
      settings: { settlementWindowMs: 25_000, sendByMs: 3_000 },
      timeouts: { headersMs: 6_000, bodyMs: 6_000 },
      bulks: {
        batchCallbackBase: 'https://callbacks.cauri.test',
        slowAfterMs: 4_000,
        carryForMs: 60_000,
        handOverMost: 2,
      },
      simulator: { timings: { slowAnswerMs: 8_000, lateRowMs: 1_500, lateCallbackMs: 1_000 } },
    });
    world.simulator.configure({ httpsHostMap: { 'callbacks.cauri.test': `http://127.0.0.1:${world.app.port}` } });
    await world.startWorkers();
  });
  afterAll(() => world.close());

  /** Lines whose first one gives their batch this scenario. */
  function linesOfBatch(code: string | null, count: number): BulkLine[] {
    const lines = world.linesOf([
      ...Array.from({ length: count - 1 }, () => 'success' as const),
      'customer_unknown' as const,
    ]);
    batches += 1;
    const first = `+2217701${code ?? '00'}${String(batches).padStart(3, '0')}`;
    return lines.map((line, index) =>
      index === 0 && code !== null ? { ...line, recipient: { msisdn: first } } : line,
    );
  }

  async function statesOf(bulkId: string): Promise<readonly { state: string; reason: string }[]> {
    const { rows } = await world.pool.query<{ state: string; reason: string }>(
      'select state, reason from payouts where bulk_id = $1 order by bulk_line',
      [bulkId],
    );
    return rows;
  }

  test('a bulk leaves in as many calls as it has chunks, each line ends by its own row', async () => {
    const before = world.simulator.requests().byEndpoint;
    const lines = [...linesOfBatch(null, 30), ...linesOfBatch(null, 15)];
    const bulkId = await world.sendBulk(lines);
    const bulk = await world.untilBulk(bulkId, 'completed');
    expect(bulk.progress).toMatchObject({ succeeded: { lines: 43 }, failed: { lines: 2 } });
    const after = world.simulator.requests().byEndpoint;
    expect(after.bulkCashIn - before.bulkCashIn).toBe(3);
    expect(after.cashIn).toBe(before.cashIn);
    expect(await world.paidLines(lines)).toBe(43);
    await world.expectRollUpTrue(bulkId);
    await world.expectPartsClosed(bulkId);
    const { rows } = await world.pool.query<{ called: boolean; batch_reference: string }>(
      'select called_back_at is not null as called, batch_reference from bulk_batches where bulk_id = $1',
      [bulkId],
    );
    expect(rows.map(({ batch_reference }) => batch_reference)).toEqual(rows.map(() => expect.any(String) as string));
  });

  test('whatever becomes of a batch, no line is paid twice, called failed though paid, or paid though not', async () => {
    const bulks = [];
    for (const { code, name } of BULK_SCENARIOS) {
      const lines = linesOfBatch(code, 7);
      bulks.push({ name, lines, bulkId: await world.sendBulk(lines) });
    }
    const wrong: string[] = [];
    for (const { name, lines, bulkId } of bulks) {
      if (TO_BE_CURED.includes(name)) {
        await eventually('its lines wait', async () =>
          (await statesOf(bulkId)).some(({ state, reason }) => state === 'queued' && reason === 'credential_refused'),
        );
        await world.control(bulkId, 'cancel');
        await world.untilBulk(bulkId, 'cancelled');
        expect(await world.paidLines(lines)).toBe(0);
        continue;
      }
      await world.untilBulk(bulkId, 'completed').catch((error: unknown) => wrong.push(`${name}: ${String(error)}`));
      const states = await statesOf(bulkId);
      for (const [index, line] of lines.entries()) {
        const { state = '', reason = '' } = states[index] ?? {};
        const credited = await world.credited(line.recipient.msisdn);
        const right =
          state === 'succeeded'
            ? credited === BigInt(line.amount)
            : state === 'failed'
              ? credited === 0n
              : state === 'in_review' && NEVER_TOLD.includes(name);
        if (!right) wrong.push(`${name} line ${index + 1}: ${state} (${reason}), credited ${credited}`);
      }
      await world.expectRollUpTrue(bulkId);
    }
    expect(wrong).toEqual([]);
    const { rows: gates } = await world.pool.query('select state from pin_gates');
    expect(gates).toEqual([{ state: 'open' }]);
  });

  test('a refused batch fails its lines only after two complete searches at the end of the window show none', async () => {
    const refused = BULK_SCENARIOS.find(({ name }) => name === 'bulk_rejected');
    const lines = linesOfBatch(refused?.code ?? null, 5);
    const bulkId = await world.sendBulk(lines);
    await eventually('its answer is written', async () =>
      (await statesOf(bulkId)).every(({ state }) => state === 'unknown'),
    );
    await world.untilBulk(bulkId, 'completed');
    expect((await statesOf(bulkId)).map(({ state }) => state)).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'failed',
    ]);
    expect(await world.paidLines(lines)).toBe(0);
    const { rows } = await world.pool.query<{ early: boolean }>(
      `select bool_or(event.at < payout.settle_by) as early from payouts payout
       join payout_events event on event.payout_id = payout.id and event.to_state = 'failed' where payout.bulk_id = $1`,
      [bulkId],
    );
    expect(rows).toEqual([{ early: false }]);
  });

  test('a new PIN passes one single call before a batch leaves', async () => {
    await world.saveCredential('2468', 'unproven');
    const before = world.simulator.requests().byEndpoint;
    const lines = linesOfBatch(null, 10);
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'completed');
    const after = world.simulator.requests().byEndpoint;
    expect(after.cashIn - before.cashIn).toBe(1);
    expect(after.bulkCashIn - before.bulkCashIn).toBe(1);
    expect(await world.paidLines(lines)).toBe(9);
  });

  test('a lost batch is found by its callback or by one search over its time, not by a look-up for each line', async () => {
    const lost = BULK_SCENARIOS.find(({ name }) => name === 'bulk_lost_after');
    const before = world.simulator.requests().byEndpoint;
    const lines = linesOfBatch(lost?.code ?? null, 20);
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'completed');
    expect(await world.paidLines(lines)).toBe(19);
    const after = world.simulator.requests().byEndpoint;
    expect(after.search - before.search).toBeLessThan(20);
  });

  test('a line that failed and is tried again in a batch shows the transaction of its own attempt', async () => {
    const lines = world.linesOf(Array.from({ length: 5 }, () => 'pending_failed' as const));
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'completed');
    expect((await world.retryFailed(bulkId)).status).toBe(200);
    await eventually(
      'every line has failed twice',
      async () =>
        (await callsOf(bulkId)).filter(({ attempt, outcome }) => attempt === 2 && outcome === 'rejected').length === 5,
      PATIENCE_MS,
    );
    const calls = await callsOf(bulkId);
    expect(new Set(calls.map(({ transaction }) => transaction)).size).toBe(10);
    for (const { attempt, transaction, shown } of calls) {
      expect(transaction).not.toBeNull();
      if (attempt === 2) expect(shown).toBe(transaction);
    }
  });

  async function callsOf(
    bulkId: string,
  ): Promise<readonly { attempt: number; outcome: string; transaction: string | null; shown: string | null }[]> {
    const { rows } = await world.pool.query<{ attempt: number; outcome: string; transaction: string; shown: string }>(
      `select call.attempt, call.outcome, call.provider_reference as transaction, payouts.provider_reference as shown
       from submissions call join payouts on payouts.id = call.payout_id where bulk_id = $1 order by bulk_line, call.attempt`,
      [bulkId],
    );
    return rows;
  }

  test('a lost batch that was seen in flight stays looked for as a batch', async () => {
    const { simulator } = world;
    simulator.configure({ timings: { pendingMs: 5_000 } });
    simulator.planBulks({ bulks: [{ scenario: 'bulk_lost_after', callbackFault: 'lost' }] });
    const before = simulator.requests().byEndpoint;
    const lines = world.linesOf(Array.from({ length: 15 }, () => 'pending_success' as const));
    const bulkId = await world.sendBulk(lines);
    await world.untilBulk(bulkId, 'completed');
    simulator.configure({ timings: { pendingMs: 200 } });
    expect(await world.paidLines(lines)).toBe(15);
    const { rows } = await world.pool.query<{ seen: number }>(
      `select count(distinct payout_id)::int as seen from payout_events join payouts on payouts.id = payout_id
       where bulk_id = $1 and to_state = 'pending' and payout_events.reason = 'look_up_found_in_flight'`,
      [bulkId],
    );
    expect(rows).toEqual([{ seen: 15 }]);
    expect(simulator.requests().byEndpoint.status).toBe(before.status);
  });

  test('a lost batch is found by time where a callback named one that the provider refuses to search for', async () => {
    const { simulator, app } = world;
    const calls = simulator.bulks().length;
    simulator.configure({ bulk: { processingMs: 3_000 } });
    simulator.planBulks({ bulks: [{ scenario: 'bulk_lost_after', callbackFault: 'lost' }] });
    const lines = linesOfBatch(null, 5);
    const bulkId = await world.sendBulk(lines);
    const call = await eventually('the batch has left', () => simulator.bulks()[calls]);
    const hint = await fetch(`http://127.0.0.1:${app.port}${new URL(call.callbackUrl ?? '').pathname}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'BULK_CASHIN', reference: 'no-uuid', status: 'SUCCESS' }),
    });
    expect(hint.status).toBe(202);
    const bulk = await world.untilBulk(bulkId, 'completed');
    expect(bulk.progress).toMatchObject({ succeeded: { lines: 4 }, failed: { lines: 1 } });
    expect(await world.paidLines(lines)).toBe(4);
  });
});
