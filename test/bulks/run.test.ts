import { bulkWorkflowId } from '../../src/workflows/contract';
import type { ScenarioName } from '../../src/simulators/orange';
import { currentDetailsOf } from '../helpers/current-details';
import { eventually } from '../helpers/eventually';
import { createBulkRunWorld } from './run-world';
import type { BulkRunWorld } from './run-world';

jest.setTimeout(200_000);

describe('a bulk on its way', () => {
  let world: BulkRunWorld;
  beforeAll(async () => {
    world = await createBulkRunWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());

  test('every line is paid, refused or with people, once, and the ledgers agree', async () => {
    const before = await world.balances();
    const scenarios: ScenarioName[] = [
      ...Array.from({ length: 30 }, () => 'success' as const),
      ...Array.from({ length: 5 }, () => 'pending_success' as const),
      ...Array.from({ length: 4 }, () => 'customer_unknown' as const),
      'lost_moved',
      'hidden_row',
    ];
    const lines = world.linesOf(scenarios);
    const bulkId = await world.sendBulk(lines);
    const bulk = await world.untilBulk(bulkId, 'completed');
    expect(bulk.reason).toBe('all_lines_rest');
    expect(bulk.progress).toMatchObject({
      succeeded: { lines: 36 },
      failed: { lines: 4 },
      in_review: { lines: 1 },
    });
    await world.expectRollUpTrue(bulkId);
    const { text } = await world.ask('GET', `/v1/bulk-cash-ins/${bulkId}/result.csv`);
    const rows = text
      .trim()
      .split('\r\n')
      .slice(1)
      .map((row) => row.split(','));
    expect(rows.map(([number]) => number)).toEqual(lines.map((_line, index) => String(index + 1)));
    const refused = scenarios.indexOf('customer_unknown');
    expect(rows[refused]).toEqual(expect.arrayContaining(['failed', 'provider_rejected', '2000']));
    for (const [index, line] of lines.entries()) {
      const isRefused = scenarios[index] === 'customer_unknown';
      expect(await world.credited(line.recipient.msisdn)).toBe(isRefused ? 0n : BigInt(line.amount));
    }
    const after = await world.balances();
    const paid = BigInt(bulk.progress['succeeded']!.amount);
    const held = BigInt(bulk.progress['in_review']!.amount);
    expect((after['paid'] ?? 0n) - (before['paid'] ?? 0n)).toBe(paid);
    expect((after['held'] ?? 0n) - (before['held'] ?? 0n)).toBe(held);
    expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(paid + held);
    await world.expectPartsClosed(bulkId);
  });

  test('too little float: nothing is held or sent, and it goes on after a top-up', async () => {
    const { available = 0n } = await world.balances();
    const lines = world.linesOf(['success', 'success']).map((line) => ({ ...line, amount: Number(available) }));
    const bulkId = await world.sendBulk(lines);
    const waiting = await world.untilBulk(bulkId, 'awaiting_float');
    expect(waiting.reason).toBe('insufficient_float');
    const { rows } = await world.pool.query<{ detail: string }>(
      "select detail from bulk_events where bulk_id = $1 and to_state = 'awaiting_float'",
      [bulkId],
    );
    expect(rows).toEqual([{ detail: `missing ${available} XOF` }]);
    expect((await world.balances())['available']).toBe(available);
    await world.topUp(available);
    await world.client.workflow.getHandle(bulkWorkflowId(bulkId)).signal('bulkChanged');
    await world.untilBulk(bulkId, 'running');
    await world.topUp(available);
  });

  test('one for later waits for its time and holds nothing', async () => {
    const at = new Date(Date.now() + 3_000).toISOString();
    const bulkId = await world.sendBulk(world.linesOf(['success']), { scheduled_at: at });
    await world.untilBulk(bulkId, 'scheduled');
    const held = await world.pool.query("select 1 from holds where owner = 'bulk/' || $1", [bulkId]);
    expect(held.rowCount).toBe(0);
    await world.untilBulk(bulkId, 'completed');
  });

  test('a run that was terminated is taken up again and sends nothing twice', async () => {
    const lines = world.linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually(
      'some are paid',
      async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > 3,
    );
    await world.client.workflow.getHandle(bulkWorkflowId(bulkId)).terminate('test');
    await world.pool.query('update bulks set sweep_after = now() where id = $1', [bulkId]);
    await world.untilBulk(bulkId, 'completed');
    for (const line of lines) {
      expect(await world.credited(line.recipient.msisdn)).toBe(BigInt(line.amount));
    }
    await world.expectRollUpTrue(bulkId);
  });

  test('paused, nothing more leaves; resumed, it goes on to its end', async () => {
    const lines = world.linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually(
      'some are paid',
      async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > 2,
    );
    const { status, body: paused } = await world.control(bulkId, 'pause');
    expect([status, paused.state]).toEqual([200, 'paused']);
    expect(await world.control(bulkId, 'pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    await eventually('what left is answered', async () => {
      const { processing, pending } = (await world.readBulk(bulkId)).progress;
      return processing === undefined && pending === undefined;
    });
    const sent = await world.paidLines(lines);
    expect(sent).toBeLessThan(lines.length);
    // Each line was counted in the very change: it had left by then, or it never does while the pause stands.
    expect(sent).toBe(lines.length - paused.lines_stopped);
    expect(paused.intents_written).toBeLessThanOrEqual(sent);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await world.paidLines(lines)).toBe(sent);
    const { status: went, body: resumed } = await world.control(bulkId, 'resume');
    expect([went, resumed.state]).toEqual([200, 'running']);
    await world.untilBulk(bulkId, 'completed');
    // The run heard of each decision by its number, once, although the pause was asked for twice.
    const { events } = await world.client.workflow.getHandle(bulkWorkflowId(bulkId)).fetchHistory();
    const heard = (events ?? []).flatMap(
      (event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.meta?.updateId ?? [],
    );
    expect(heard).toEqual([paused, resumed].map(({ version }) => `${bulkId}/${version}`));
    expect(await world.paidLines(lines)).toBe(lines.length);
    await world.expectRollUpTrue(bulkId);
    expect(await world.control(bulkId, 'pause')).toMatchObject({ status: 409, body: { code: 'bulk_state' } });
  });

  test('cancelled on its way, the rest never leaves and is not held any more', async () => {
    const before = await world.balances();
    const lines = world.linesOf(Array.from({ length: 60 }, () => 'success' as const));
    const bulkId = await world.sendBulk(lines);
    await eventually(
      'some are paid',
      async () => ((await world.readBulk(bulkId)).progress['succeeded']?.lines ?? 0) > 2,
    );
    const { status, body: stopped } = await world.control(bulkId, 'cancel');
    expect(status).toBe(200);
    const bulk = await world.untilBulk(bulkId, 'cancelled');
    const paid = bulk.progress['succeeded']!;
    expect(bulk.progress['cancelled']!.lines).toBe(lines.length - paid.lines);
    expect(stopped.lines_stopped).toBe(lines.length - paid.lines);
    expect((await world.control(bulkId, 'cancel')).body).toMatchObject({ lines_stopped: stopped.lines_stopped });
    expect(await world.paidLines(lines)).toBe(paid.lines);
    const after = await world.balances();
    expect(after['held']).toBe(before['held']);
    expect((before['available'] ?? 0n) - (after['available'] ?? 0n)).toBe(BigInt(paid.amount));
    await world.expectRollUpTrue(bulkId);
    const open = await world.pool.query('select 1 from holds where closed_by is null and owner = $1', [
      `bulk/${bulkId}`,
    ]);
    expect(open.rowCount).toBe(0);
  });

  test('the Temporal UI shows the total, the merchant and the time of one for later', async () => {
    const at = new Date(Date.now() + 3_600_000);
    const bulkId = await world.sendBulk(world.linesOf(['success', 'success']), { scheduled_at: at.toISOString() });
    const details = await eventually('it shows that it waits', async () => {
      const shown = await currentDetailsOf(world.client, bulkWorkflowId(bulkId)).catch(() => null);
      return shown?.get('state')?.startsWith('**scheduled**') && shown;
    });
    expect(details.get('total in minor units')).toBe('2001 XOF');
    expect(details.get('merchant')).toBe(`${world.merchantId}, sandbox`);
    const [step, due = ''] = details.get('next step')?.split(', due ') ?? [];
    expect(step).toBe('wait_for_time');
    expect(Math.abs(Date.parse(due) - at.getTime())).toBeLessThan(60_000);
    await world.control(bulkId, 'cancel');
  });

  test('cancelled before it starts, nothing was held and no line leaves', async () => {
    const at = new Date(Date.now() + 60_000).toISOString();
    const lines = world.linesOf(['success', 'success']);
    const bulkId = await world.sendBulk(lines, { scheduled_at: at });
    const before = await world.balances();
    expect(await world.control(bulkId, 'cancel')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect((await world.readBulk(bulkId)).progress).toEqual({ cancelled: { lines: 2, amount: '2001' } });
    expect(await world.balances()).toEqual(before);
  });
});
