import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import type { ScenarioName } from '../../src/simulators/orange';
import { createBulkRunWorld } from '../bulks/run-world';
import type { BulkLine, BulkRunWorld } from '../bulks/run-world';
import { eventually } from '../helpers/eventually';
import { createKillMerchant } from './kill-merchant';
import { startKillProcess } from './kill-process';
import { startProduct } from '../helpers/product';

const CHUNK = 6;
const MICRO_BATCH = 4;

/** Each step of a bulk and each side of it, where its worker is killed. */
const POINTS = {
  lines: [
    'startBulk:before',
    'startBulk:after',
    'carryLines:before',
    'intents:committing',
    'call 1:connected',
    'call 1:cleared',
    'call 1:answered',
    'answers:committing',
    'status:answered',
    'carryLines:after',
    'followBulk:before',
    'followBulk:after',
  ],
  native: [
    'intents:committing',
    'batch:cleared',
    'batch:answered',
    'answers:committing',
    'batch:found',
    'carryLines:after',
  ],
} as const;

/** What was sent to nobody, or to a provider that answered nobody: one micro-batch, or one batch. */
const MAY_BE_UNKNOWN: readonly string[] = ['call 1:connected', 'call 1:cleared', 'batch:cleared'];

interface Actor {
  point: string;
  bulkId: string;
  lines: readonly BulkLine[];
}

describe.each(['lines', 'native'] as const)(
  'a worker that carries bulks (%s) is killed, and another one starts',
  (way) => {
    const closers: (() => Promise<void>)[] = [];
    const actors: Actor[] = [];
    let world: BulkRunWorld;

    beforeAll(async () => {
      world = await createBulkRunWorld();
      closers.unshift(() => world.close());
      world.simulator.configure({ httpsHostMap: { 'callbacks.cauri.test': `http://127.0.0.1:${world.app.port}` } });
      for (const [index, point] of POINTS[way].entries()) actors.push(await send(point, index));
      const env = {
        ...world.env,
        ORANGE_BULK: way,
        PUBLIC_URL: 'https://callbacks.cauri.test',
        ORANGE_SETTLEMENT_WINDOW_MS: '35000',
        BULK_CHUNK_SIZE: String(CHUNK),
        BULK_MICRO_BATCH: String(MICRO_BATCH),
        BULK_CHUNKS_AT_ONCE: '1',
        BULK_HAND_OVER_MOST: '2',
        BULK_SLOW_AFTER_MS: '2000',
      };
      const plan = Object.fromEntries(actors.map(({ bulkId, point }) => [bulkId, { point }]));
      const doomed = startKillProcess('kill-worker', { env, plan });
      closers.unshift(doomed.kill);
      await doomed.up();
      await world.pool.query('update bulks set sweep_after = now()');
      await doomed.allReached();
      await doomed.kill();
      const worker = startProduct('worker', env);
      closers.unshift(() => worker.kill('SIGTERM'));
    }, 300_000);

    afterAll(async () => {
      for (const close of closers) await close();
    });

    /** A bulk of two chunks, of a merchant and an account of its own. */
    async function send(point: string, index: number): Promise<Actor> {
      const by = await createKillMerchant(world, index);
      await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 100000, 'more')", [by.merchantId]);
      const scenario: ScenarioName = point.startsWith('status:') ? 'pending_success' : 'success';
      const lines = world.linesOf([...Array.from({ length: 2 * CHUNK - 1 }, () => scenario), 'customer_unknown']);
      const { key } = await createApiKey(world.pool, {
        role: 'merchant',
        merchantId: by.merchantId,
        environment: 'sandbox',
        subject: { kind: 'system', systemId: `shop-${index}` },
      });
      const request = { key, idempotencyKey: randomUUID(), body: { lines, notify: 'none' } };
      const answer = await world.ask('POST', '/v1/bulk-cash-ins', request);
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.text}`);
      return { point, bulkId: answer.body.id, lines };
    }

    async function statesOf(bulkId: string): Promise<readonly { state: string }[]> {
      const { rows } = await world.pool.query<{ state: string }>(
        'select state from payouts where bulk_id = $1 order by bulk_line',
        [bulkId],
      );
      return rows;
    }

    test.each(POINTS[way].map((point, index) => [point, index] as const))(
      'at %s: every line is paid once or not at all, and says so',
      async (point, index) => {
        const { bulkId, lines } = actors[index]!;
        await eventually(
          `the bulk that stood at ${point} is completed`,
          async () => {
            const { rows } = await world.pool.query<{ state: string }>('select state from bulks where id = $1', [
              bulkId,
            ]);
            return rows[0]?.state === 'completed';
          },
          150_000,
        );
        const states = await statesOf(bulkId);
        const wrong: string[] = [];
        for (const [number, line] of lines.entries()) {
          const { state = '' } = states[number] ?? {};
          const credited = await world.credited(line.recipient.msisdn);
          const right =
            (state === 'succeeded' && credited === BigInt(line.amount)) ||
            (state === 'failed' && credited === 0n) ||
            state === 'in_review';
          if (!right) wrong.push(`line ${number + 1}: ${state}, credited ${credited}`);
        }
        expect(wrong).toEqual([]);
        const unknown = states.filter(({ state }) => state === 'in_review').length;
        // A refusal that only the answer told, and nobody wrote down, is never told again.
        const refusals = way === 'lines' ? 1 : 0;
        const most = MAY_BE_UNKNOWN.includes(point) ? (way === 'lines' ? MICRO_BATCH : CHUNK) : 0;
        expect(unknown).toBeLessThanOrEqual(most + refusals);
        await world.expectRollUpTrue(bulkId);
      },
      200_000,
    );
  },
);
