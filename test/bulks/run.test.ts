import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { readBulkRollUp } from '../../src/db/bulk-roll-up';
import { claimCallbacks } from '../../src/db/callbacks';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { createSweeper } from '../../src/sweeper/sweeper';
import type { Sweeper } from '../../src/sweeper/sweeper';
import { bulkWorkflowId } from '../../src/workflows/contract';
import type { ScenarioName } from '../../src/simulators/orange';
import { eventually } from '../helpers/eventually';
import { createRaceWorld } from '../races/race-world';
import type { RaceWorld } from '../races/race-world';

/** Milliseconds for what takes seconds on a machine with nothing else to do. */
const PATIENCE_MS = 150_000;

jest.setTimeout(200_000);

interface BulkAnswer {
  id: string;
  state: string;
  reason: string;
  progress: Record<string, { lines: number; amount: string }>;
}

describe('a bulk on its way', () => {
  let world: RaceWorld;
  let sweeper: Sweeper;
  beforeAll(async () => {
    world = await createRaceWorld({ settings: { settlementWindowMs: 1_500, sendByMs: 1_500 } });
    await world.startWorkers();
    const { pool, runs } = world;
    sweeper = createSweeper({
      ...{ pool, runs, logger: pino({ level: 'silent' }), everyMs: 100, recheckMs: 5_000 },
      claimCallbacks: (limit) => claimCallbacks(pool, limit),
      claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
    });
  });
  afterAll(async () => {
    await sweeper.close();
    await world.close();
  });

  function linesOf(scenarios: readonly ScenarioName[]): object[] {
    return scenarios.map((scenario, index) => ({
      amount: 1_000 + index,
      currency: 'XOF',
      method: 'orange_sn',
      recipient: { msisdn: world.recipientOf(scenario) },
      customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
      reference: randomUUID(),
    }));
  }

  async function send(lines: readonly object[], options: Record<string, unknown> = {}): Promise<string> {
    const body = { lines, ...options };
    const answer = await world.ask('POST', '/v1/bulk-cash-ins', { idempotencyKey: randomUUID(), body });
    expect(answer.status).toBe(202);
    return answer.body.id;
  }

  async function read(bulkId: string): Promise<BulkAnswer> {
    return (await world.ask('GET', `/v1/bulk-cash-ins/${bulkId}`)).body as unknown as BulkAnswer;
  }

  async function until(bulkId: string, state: string): Promise<BulkAnswer> {
    return await eventually(
      `the bulk is ${state}`,
      async () => {
        const bulk = await read(bulkId);
        return bulk.state === state && bulk;
      },
      PATIENCE_MS,
    );
  }

  async function balances(): Promise<Record<string, bigint>> {
    const { rows } = await world.pool.query<{ kind: string; balance: bigint }>(
      'select kind, balance from ledger_accounts where merchant_id = $1',
      [world.merchantId],
    );
    return Object.fromEntries(rows.map(({ kind, balance }) => [kind, balance]));
  }

  /** The roll-up equals a full count of the lines. */
  async function expectRollUpTrue(bulkId: string): Promise<void> {
    const { rows } = await world.pool.query<{ state: string; lines: number; amount: bigint }>(
      'select state, count(*)::int as lines, sum(amount)::bigint as amount from payouts where bulk_id = $1 group by state',
      [bulkId],
    );
    const counted = Object.fromEntries(rows.map(({ state, lines, amount }) => [state, { lines, amount }]));
    expect(await readBulkRollUp(world.pool, bulkId)).toEqual(counted);
  }

  test('every line is paid, refused or with people, once, and the ledgers agree', async () => {
    const before = await balances();
    const scenarios: ScenarioName[] = [
      ...Array.from({ length: 30 }, () => 'success' as const),
      ...Array.from({ length: 5 }, () => 'pending_success' as const),
      ...Array.from({ length: 4 }, () => 'customer_unknown' as const),
      'lost_moved',
      'hidden_row',
    ];
    const lines = linesOf(scenarios);
    const bulkId = await send(lines);
    const bulk = await until(bulkId, 'completed');
    expect(bulk.reason).toBe('all_lines_rest');
    expect(bulk.progress).toMatchObject({
      succeeded: { lines: 36 },
      failed: { lines: 4 },
      in_review: { lines: 1 },
    });
    await expectRollUpTrue(bulkId);
    const { text } = await world.ask('GET', `/v1/bulk-cash-ins/${bulkId}/result.csv`);
    const rows = text
      .trim()
      .split('\r\n')
      .slice(1)
      .map((row) => row.split(','));
    expect(rows.map(([number]) => number)).toEqual(lines.map((_line, index) => String(index + 1)));
    const refused = scenarios.indexOf('customer_unknown');
    expect(rows[refused]).toEqual(expect.arrayContaining(['failed', 'provider_rejected', '2000']));
    for (const [index, line] of (lines as { amount: number; recipient: { msisdn: string } }[]).entries()) {
      const isRefused = scenarios[index] === 'customer_unknown';
      expect(await world.credited(line.recipient.msisdn)).toBe(isRefused ? 0n : BigInt(line.amount));
    }
    const after = await balances();
    const paid = BigInt(bulk.progress['succeeded']!.amount);
    const held = BigInt(bulk.progress['in_review']!.amount);
    expect((after['paid'] ?? 0n) - (before['paid'] ?? 0n)).toBe(paid);
    expect((after['held'] ?? 0n) - (before['held'] ?? 0n)).toBe(held);
    expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(paid + held);
    await expectPartsClosed(bulkId);
  });

  /** The bulk's one hold is closed, by parts that add up to it, each line's once, and booked in fewer entries than lines. */
  async function expectPartsClosed(bulkId: string): Promise<void> {
    const { rows } = await world.pool.query(
      `select closed_by is not null as closed, captured + released + handed_over = amount as whole,
         captured = (select coalesce(sum(amount), 0) from bulk_parts where bulk_id = $1 and closed_by = 'capture') as captured,
         (select count(*) from bulk_parts where bulk_id = $1) = (select count(*) from payouts where bulk_id = $1) as parts,
         (select count(*) from ledger_entries where owner = 'bulk/' || $1 and kind = 'capture')
           < (select count(*) from bulk_parts where bulk_id = $1 and closed_by = 'capture') as booked_together
       from holds where owner = 'bulk/' || $1`,
      [bulkId],
    );
    expect(rows).toEqual([{ closed: true, whole: true, captured: true, parts: true, booked_together: true }]);
  }

  test('too little float: nothing is held or sent, and it goes on after a top-up', async () => {
    const { available = 0n } = await balances();
    const lines = linesOf(['success', 'success']).map((line) => ({ ...line, amount: Number(available) }));
    const bulkId = await send(lines);
    const waiting = await until(bulkId, 'awaiting_float');
    expect(waiting.reason).toBe('insufficient_float');
    const { rows } = await world.pool.query<{ detail: string }>(
      "select detail from bulk_events where bulk_id = $1 and to_state = 'awaiting_float'",
      [bulkId],
    );
    expect(rows).toEqual([{ detail: `missing ${available} XOF` }]);
    expect((await balances())['available']).toBe(available);
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', $2, $3)", [
      world.merchantId,
      available,
      randomUUID(),
    ]);
    await world.client.workflow.getHandle(bulkWorkflowId(bulkId)).signal('bulkChanged');
    await until(bulkId, 'running');
  });

  test('one for later waits for its time and holds nothing', async () => {
    const at = new Date(Date.now() + 3_000).toISOString();
    await topUp();
    const bulkId = await send(linesOf(['success']), { scheduled_at: at });
    await until(bulkId, 'scheduled');
    const held = await world.pool.query("select 1 from holds where owner = 'bulk/' || $1", [bulkId]);
    expect(held.rowCount).toBe(0);
    await until(bulkId, 'completed');
  });

  test('a run that was terminated is taken up again and sends nothing twice', async () => {
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, $2)", [world.merchantId, randomUUID()]);
    const lines = linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await send(lines);
    await eventually('some are paid', async () => ((await read(bulkId)).progress['succeeded']?.lines ?? 0) > 3);
    await world.client.workflow.getHandle(bulkWorkflowId(bulkId)).terminate('test');
    await world.pool.query('update bulks set sweep_after = now() where id = $1', [bulkId]);
    await until(bulkId, 'completed');
    for (const line of lines as { amount: number; recipient: { msisdn: string } }[]) {
      expect(await world.credited(line.recipient.msisdn)).toBe(BigInt(line.amount));
    }
    await expectRollUpTrue(bulkId);
  });

  async function topUp(): Promise<void> {
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 1000000, $2)", [world.merchantId, randomUUID()]);
  }

  async function control(bulkId: string, act: string): Promise<{ status: number; body: BulkAnswer }> {
    const { status, body } = await world.ask('POST', `/v1/bulk-cash-ins/${bulkId}/${act}`);
    return { status, body: body as unknown as BulkAnswer };
  }

  /** Lines of which the provider has heard. */
  async function sentLines(lines: readonly object[]): Promise<number> {
    const credits = await Promise.all(
      (lines as { recipient: { msisdn: string } }[]).map(({ recipient }) => world.credited(recipient.msisdn)),
    );
    return credits.filter((amount) => amount > 0n).length;
  }

  test('paused, nothing more leaves; resumed, it goes on to its end', async () => {
    await topUp();
    const lines = linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await send(lines);
    await eventually('some are paid', async () => ((await read(bulkId)).progress['succeeded']?.lines ?? 0) > 2);
    expect(await control(bulkId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect(await control(bulkId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    await eventually('what left is answered', async () => {
      const { processing, pending } = (await read(bulkId)).progress;
      return processing === undefined && pending === undefined;
    });
    const sent = await sentLines(lines);
    expect(sent).toBeLessThan(lines.length);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await sentLines(lines)).toBe(sent);
    expect(await control(bulkId, 'resume')).toMatchObject({ status: 200, body: { state: 'running' } });
    await until(bulkId, 'completed');
    expect(await sentLines(lines)).toBe(lines.length);
    await expectRollUpTrue(bulkId);
    expect(await control(bulkId, 'pause')).toMatchObject({ status: 409, body: { code: 'bulk_state' } });
  });

  test('cancelled on its way, the rest never leaves and is not held any more', async () => {
    await topUp();
    const before = await balances();
    const lines = linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await send(lines);
    await eventually('some are paid', async () => ((await read(bulkId)).progress['succeeded']?.lines ?? 0) > 2);
    expect(await control(bulkId, 'cancel')).toMatchObject({ status: 200 });
    const bulk = await until(bulkId, 'cancelled');
    const paid = bulk.progress['succeeded']!;
    expect(bulk.progress['cancelled']!.lines).toBe(lines.length - paid.lines);
    expect(await sentLines(lines)).toBe(paid.lines);
    const after = await balances();
    expect(after['held']).toBe(before['held']);
    expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(BigInt(paid.amount));
    await expectRollUpTrue(bulkId);
    const open = await world.pool.query('select 1 from holds where closed_by is null and owner = $1', [
      `bulk/${bulkId}`,
    ]);
    expect(open.rowCount).toBe(0);
  });

  test('cancelled before it starts, nothing was held and no line leaves', async () => {
    const at = new Date(Date.now() + 60_000).toISOString();
    const lines = linesOf(['success', 'success']);
    const bulkId = await send(lines, { scheduled_at: at });
    const before = await balances();
    expect(await control(bulkId, 'cancel')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect((await read(bulkId)).progress).toEqual({ cancelled: { lines: 2, amount: '2001' } });
    expect(await balances()).toEqual(before);
  });
});
