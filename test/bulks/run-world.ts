import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { readBulkRollUp } from '../../src/db/bulk-roll-up';
import { claimCallbacks } from '../../src/db/callbacks';
import { claimUnclaimedDeliveries } from '../../src/db/outbox';
import { createSweeper } from '../../src/sweeper/sweeper';
import type { ScenarioName } from '../../src/simulators/orange';
import type { ApiAnswer } from '../helpers/app';
import { eventually } from '../helpers/eventually';
import type { PayoutWorldOptions } from '../helpers/payout-world';
import { createRaceWorld } from '../races/race-world';
import type { RaceWorld } from '../races/race-world';

/** Milliseconds for what takes seconds on a machine with nothing else to do. */
export const PATIENCE_MS = 150_000;

/** Of the merchant: more than the bulks of a test file need, and small enough for one line of the API. */
const FLOAT = 20_000_000n;

export interface BulkAnswer {
  id: string;
  state: string;
  reason: string;
  version: number;
  progress: Record<string, { lines: number; amount: string }>;
}

/** What a control answers beside it. */
export interface ControlledBulk extends BulkAnswer {
  intents_written: number;
  lines_stopped: number;
  unknown: number;
}

export interface BulkLine {
  amount: number;
  recipient: { msisdn: string };
  reference: string;
}

/** A world with the API, workers and a sweeper, whose merchant sends bulks. */
export interface BulkRunWorld extends RaceWorld {
  /** A line for each scenario, of amounts and references of their own. */
  linesOf(scenarios: readonly ScenarioName[]): BulkLine[];
  /** Sends a bulk by the API; its id. */
  sendBulk(lines: readonly BulkLine[], options?: Record<string, unknown>): Promise<string>;
  readBulk(bulkId: string): Promise<BulkAnswer>;
  untilBulk(bulkId: string, state: string): Promise<BulkAnswer>;
  control(bulkId: string, act: string): Promise<{ status: number; body: ControlledBulk }>;
  /** By the version that is given; by its present one otherwise. */
  retryFailed(bulkId: string, expectedVersion?: number): Promise<ApiAnswer>;
  topUp(amount: bigint): Promise<void>;
  /** Lines of which the provider has moved money, by its own ledger. */
  paidLines(lines: readonly BulkLine[]): Promise<number>;
  /** The roll-up equals a full count of the lines. */
  expectRollUpTrue(bulkId: string): Promise<void>;
  /** No hold of the bulk is open, the parts of each add up to it, and each line's is closed once. */
  expectPartsClosed(bulkId: string): Promise<void>;
}

export async function createBulkRunWorld(options: PayoutWorldOptions = {}): Promise<BulkRunWorld> {
  const world = await createRaceWorld({
    ...options,
    settings: { settlementWindowMs: 6_000, sendByMs: 4_000, ...options.settings },
    // A busy machine loses no answer of a provider that gives one.
    timeouts: { connectMs: 20_000, headersMs: 20_000, bodyMs: 20_000, ...options.timeouts },
  });
  const { pool, runs } = world;
  const sweeper = createSweeper({
    ...{ pool, runs, logger: pino({ level: 'silent' }), everyMs: 100, recheckMs: 5_000 },
    claimCallbacks: (limit) => claimCallbacks(pool, limit),
    claimWebhooks: (limit) => claimUnclaimedDeliveries(pool, limit),
  });

  const bulkWorld: BulkRunWorld = {
    ...world,

    linesOf: (scenarios) =>
      scenarios.map((scenario, index) => ({
        amount: 1_000 + index,
        currency: 'XOF',
        method: 'orange_sn',
        recipient: { msisdn: world.recipientOf(scenario) },
        customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
        reference: randomUUID(),
      })),

    async sendBulk(lines, bulkOptions = {}) {
      const answer = await world.ask('POST', '/v1/bulk-cash-ins', {
        idempotencyKey: randomUUID(),
        body: { lines, ...bulkOptions },
      });
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
      return answer.body.id;
    },

    async readBulk(bulkId) {
      return (await world.ask('GET', `/v1/bulk-cash-ins/${bulkId}`)).body as unknown as BulkAnswer;
    },

    untilBulk: (bulkId, state) =>
      eventually(
        `the bulk is ${state}`,
        async () => {
          const bulk = await bulkWorld.readBulk(bulkId);
          return bulk.state === state && bulk;
        },
        PATIENCE_MS,
      ),

    async control(bulkId, act) {
      const { status, body } = await world.ask('POST', `/v1/bulk-cash-ins/${bulkId}/${act}`);
      return { status, body: body as unknown as ControlledBulk };
    },

    async retryFailed(bulkId, expectedVersion) {
      const body = { expected_version: expectedVersion ?? (await bulkWorld.readBulk(bulkId)).version };
      return await world.ask('POST', `/v1/bulk-cash-ins/${bulkId}/retry-failed`, { body });
    },

    async topUp(amount) {
      await pool.query("select top_up_float($1, 'sandbox', 'XOF', $2, $3)", [world.merchantId, amount, randomUUID()]);
    },

    async paidLines(lines) {
      const credits = await Promise.all(lines.map(({ recipient }) => world.credited(recipient.msisdn)));
      return credits.filter((amount) => amount > 0n).length;
    },

    async expectRollUpTrue(bulkId) {
      const { rows } = await pool.query<{ state: string; lines: number; amount: bigint }>(
        'select state, count(*)::int as lines, sum(amount)::bigint as amount from payouts where bulk_id = $1 group by state',
        [bulkId],
      );
      const counted = Object.fromEntries(rows.map(({ state, lines, amount }) => [state, { lines, amount }]));
      expect(await readBulkRollUp(pool, bulkId)).toEqual(counted);
    },

    async expectPartsClosed(bulkId) {
      const { rows } = await pool.query(
        `select closed_by is not null as closed, captured + released + handed_over = amount as whole,
           captured = (select coalesce(sum(amount), 0) from bulk_parts part
             where bulk_id = $1 and closed_by = 'capture' and part.hold_no = holds.hold_no) as captured
         from holds where owner = 'bulk/' || $1`,
        [bulkId],
      );
      expect(rows.length).toBeGreaterThan(0);
      for (const hold of rows) expect(hold).toEqual({ closed: true, whole: true, captured: true });
      const booked = await pool.query<{ lines: string; entries: string }>(
        `select (select count(*) from bulk_parts where bulk_id = $1 and closed_by = 'capture') as lines,
           (select count(*) from ledger_entries where owner = 'bulk/' || $1 and kind = 'capture') as entries`,
        [bulkId],
      );
      const { lines, entries } = booked.rows[0] ?? { lines: '0', entries: '0' };
      expect(Number(entries)).toBeLessThanOrEqual(Number(lines));
    },

    async close() {
      await sweeper.close();
      await world.close();
    },
  };
  await bulkWorld.topUp(FLOAT);
  return bulkWorld;
}
