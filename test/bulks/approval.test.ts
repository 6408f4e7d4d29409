import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { createApiKey } from '../../src/db/api-keys';
import { claimCallbacks } from '../../src/db/callbacks';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { createSweeper } from '../../src/sweeper/sweeper';
import type { Sweeper } from '../../src/sweeper/sweeper';
import { bulkWorkflowId } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createRaceWorld } from '../races/race-world';
import type { RaceWorld } from '../races/race-world';

const PATIENCE_MS = 120_000;

jest.setTimeout(180_000);

interface BulkAnswer {
  state: string;
  reason: string;
  content_sha256: string;
  approval: { state: string };
  progress: Record<string, { lines: number; amount: string }>;
}

describe('a bulk that another person must approve', () => {
  let world: RaceWorld;
  let sweeper: Sweeper;
  let approver: string;
  beforeAll(async () => {
    world = await createRaceWorld({ settings: { settlementWindowMs: 6_000, sendByMs: 4_000 } });
    await world.startWorkers();
    const { pool, runs, merchantId } = world;
    sweeper = createSweeper({
      ...{ pool, runs, logger: pino({ level: 'silent' }), everyMs: 100, recheckMs: 1_000 },
      claimCallbacks: (limit) => claimCallbacks(pool, limit),
      claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
    });
    await pool.query("update merchants set approval_above_lines = 2, approval_window = '0' where id = $1", [
      merchantId,
    ]);
    const subject = { kind: 'person', personId: 'per_two' } as const;
    const member = { role: 'merchant', merchantId, environment: 'sandbox' } as const;
    ({ key: approver } = await createApiKey(pool, { ...member, subject }));
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await sweeper.close();
    await world.close();
  });

  interface Line {
    amount: number;
    recipient: { msisdn: string };
  }

  async function send(options: Record<string, unknown> = {}): Promise<{ id: string; lines: readonly Line[] }> {
    const lines = Array.from({ length: 5 }, (_, index) => ({
      amount: 1_000 + index,
      currency: 'XOF',
      method: 'orange_sn',
      recipient: { msisdn: world.recipientOf('success') },
      customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
      description: 'Salary of May',
      reference: randomUUID(),
    }));
    const request = { idempotencyKey: randomUUID(), body: { lines, ...options } };
    const { status, body } = await world.ask('POST', '/v1/bulk-cash-ins', request);
    expect([status, body.state]).toEqual([202, 'awaiting_approval']);
    return { id: body.id, lines };
  }

  async function read(id: string): Promise<BulkAnswer> {
    return (await world.ask('GET', `/v1/bulk-cash-ins/${id}`)).body as unknown as BulkAnswer;
  }

  async function until(id: string, state: string): Promise<BulkAnswer> {
    return await eventually(
      `the bulk is ${state}`,
      async () => {
        const bulk = await read(id);
        return bulk.state === state && bulk;
      },
      PATIENCE_MS,
    );
  }

  async function approve(id: string): Promise<{ status: number; state: string }> {
    const body = { content_hash: (await read(id)).content_sha256 };
    const answer = await world.ask('POST', `/v1/bulk-cash-ins/${id}/approve`, { key: approver, body });
    return { status: answer.status, state: answer.body.state };
  }

  /** By the simulator's own ledger. */
  async function credits(lines: readonly Line[]): Promise<readonly bigint[]> {
    return await Promise.all(lines.map(({ recipient }) => world.credited(recipient.msisdn)));
  }

  /** Bulks of this test are waited for so many milliseconds. */
  function decideWithin(milliseconds: number): void {
    jest.replaceProperty(world.app.deps.config, 'BULK_APPROVAL_HOURS', milliseconds / 3_600_000);
  }

  const nothing = (lines: readonly Line[]): readonly bigint[] => lines.map(() => 0n);
  const everything = (lines: readonly Line[]): readonly bigint[] => lines.map(({ amount }) => BigInt(amount));

  async function runOf(id: string): Promise<string> {
    return (await world.client.workflow.getHandle(bulkWorkflowId(id)).describe()).status.name;
  }

  test('waits without a line leaving or a hold; approved, every line is paid once', async () => {
    const before = await world.balances();
    const { id, lines } = await send();
    await eventually('it has a run', () => runOf(id).catch(() => false as const), PATIENCE_MS);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await credits(lines)).toEqual(nothing(lines));
    expect(await world.balances()).toEqual(before);
    expect(await approve(id)).toEqual({ status: 200, state: 'running' });
    const bulk = await until(id, 'completed');
    expect(bulk).toMatchObject({ approval: { state: 'approved' }, progress: { succeeded: { lines: 5 } } });
    expect(await credits(lines)).toEqual(everything(lines));
    const sum = lines.reduce((total, { amount }) => total + BigInt(amount), 0n);
    const { available = 0n, held } = await world.balances();
    expect([available, held]).toEqual([before['available']! - sum, before['held'] ?? 0n]);
  });

  test('is rejected when nobody decides in time, and its run ends', async () => {
    decideWithin(3_000);
    const before = await world.balances();
    const { id, lines } = await send();
    const bulk = await until(id, 'rejected');
    expect(bulk).toMatchObject({
      reason: 'approval_expired',
      approval: { state: 'expired' },
      progress: { cancelled: { lines: 5 } },
    });
    await eventually('its run has ended', async () => (await runOf(id)) === 'COMPLETED', PATIENCE_MS);
    expect(await credits(lines)).toEqual(nothing(lines));
    expect(await world.balances()).toEqual(before);
  });

  test('is rejected also when its run is dead', async () => {
    decideWithin(15_000);
    const { id, lines } = await send();
    await eventually('it has a run', () => runOf(id).catch(() => false as const), PATIENCE_MS);
    await world.client.workflow.getHandle(bulkWorkflowId(id)).terminate('test');
    expect((await until(id, 'rejected')).reason).toBe('approval_expired');
    expect(await credits(lines)).toEqual(nothing(lines));
  });

  test('approved while its run was dead and nobody was told, it is paid', async () => {
    const { id, lines } = await send();
    await eventually('it has a run', () => runOf(id).catch(() => false as const), PATIENCE_MS);
    const told = jest.spyOn(world.runs, 'bulkDecided').mockRejectedValue(new Error('the engine is down'));
    await world.client.workflow.getHandle(bulkWorkflowId(id)).terminate('test');
    expect(await approve(id)).toEqual({ status: 200, state: 'running' });
    told.mockRestore();
    await until(id, 'completed');
    expect(await credits(lines)).toEqual(everything(lines));
  });

  test('approved before its time, it waits for it and holds nothing', async () => {
    const before = await world.balances();
    const { id, lines } = await send({ scheduled_at: new Date(Date.now() + 10_000).toISOString() });
    expect(await approve(id)).toEqual({ status: 200, state: 'scheduled' });
    expect(await world.balances()).toEqual(before);
    await until(id, 'completed');
    expect(await credits(lines)).toEqual(everything(lines));
  });

  test('accepted below the threshold and above it when it starts, it is asked for then', async () => {
    await world.pool.query('update merchants set approval_above_lines = null where id = $1', [world.merchantId]);
    const started = jest.spyOn(world.runs, 'ensureBulk').mockRejectedValue(new Error('the engine is down'));
    const lines = [{ amount: 700, recipient: { msisdn: world.recipientOf('success') } }];
    const customer = { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' };
    const common = { currency: 'XOF', method: 'orange_sn', description: 'Salary of May', customer };
    const body = { lines: lines.map((line) => ({ ...common, ...line })) };
    const answer = await world.ask('POST', '/v1/bulk-cash-ins', { idempotencyKey: randomUUID(), body });
    expect([answer.status, answer.body.state]).toEqual([202, 'ready']);
    await world.pool.query('update merchants set approval_above_lines = 0 where id = $1', [world.merchantId]);
    started.mockRestore();
    await world.runs.ensureBulk(answer.body.id);
    expect(await until(answer.body.id, 'awaiting_approval')).toMatchObject({ reason: 'above_threshold' });
    expect(await credits(lines)).toEqual(nothing(lines));
    expect(await approve(answer.body.id)).toEqual({ status: 200, state: 'running' });
    await until(answer.body.id, 'completed');
    expect(await credits(lines)).toEqual(everything(lines));
  });
});
