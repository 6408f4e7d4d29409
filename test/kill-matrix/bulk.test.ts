import { randomUUID } from 'node:crypto';

import { createApiKey } from '../../src/db/api-keys';
import type { ScenarioName } from '../../src/simulators/orange';
import { createBulkRunWorld } from '../bulks/run-world';
import type { BulkLine, BulkRunWorld } from '../bulks/run-world';
import { eventually } from '../helpers/eventually';
import { createKillMerchant } from './kill-merchant';
import { startKillProcess } from './kill-process';
import { settle } from './kill-stage';
import { startProduct } from '../helpers/product';

const CHUNK = 6;
const MICRO_BATCH = 4;

/** A step of a bulk, or a side of one, where its worker is killed. */
interface KillCase {
  point: string;
  /** What the merchant asks for while the worker stands there. */
  control?: 'pause' | 'cancel';
  /** Of its lines but the last one. */
  scenario?: ScenarioName;
}

/** Each line comes back once, so that a bulk which continues as new has lines to send. */
const COMES_BACK = 'payer_balance_once';

const CASES: Readonly<Record<'lines' | 'native', readonly KillCase[]>> = {
  lines: [
    { point: 'startBulk:before' },
    { point: 'startBulk:after' },
    { point: 'carryLines:before' },
    { point: 'intents:committing' },
    { point: 'call 1:connected' },
    { point: 'call 1:cleared' },
    { point: 'call 1:answered' },
    { point: 'answers:committing' },
    { point: 'status:answered', scenario: 'pending_success' },
    { point: 'carryLines:after' },
    // The run that continues as new has not said so; the one after it has just begun.
    { point: 'readBulk 3:after', scenario: COMES_BACK },
    { point: 'readBulk 4:before', scenario: COMES_BACK },
    { point: 'followBulk:before' },
    { point: 'followBulk:after' },
    { point: 'intents:committing', control: 'pause' },
    { point: 'call 1:answered', control: 'pause' },
    { point: 'intents:committing', control: 'cancel' },
    { point: 'call 1:answered', control: 'cancel' },
  ],
  native: [
    { point: 'intents:committing' },
    { point: 'batch:cleared' },
    { point: 'batch:answered' },
    { point: 'answers:committing' },
    { point: 'batch:found' },
    { point: 'carryLines:after' },
    { point: 'batch:answered', control: 'pause' },
    { point: 'batch:answered', control: 'cancel' },
  ],
};

function nameOf({ point, control }: KillCase): string {
  return control === undefined ? point : `${point}, and its merchant asks to ${control}`;
}

/** What was sent to nobody, or to a provider that answered nobody: one micro-batch, or one batch. */
const MAY_BE_UNKNOWN: readonly string[] = ['call 1:connected', 'call 1:cleared', 'batch:cleared'];

interface Actor extends KillCase {
  key: string;
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
      for (const [index, one] of CASES[way].entries()) actors.push(await send(one, index));
      const env = {
        ...world.env,
        ORANGE_BULK: way,
        PUBLIC_URL: 'https://callbacks.cauri.test',
        ORANGE_SETTLEMENT_WINDOW_MS: '35000',
        BULK_CHUNK_SIZE: String(CHUNK),
        BULK_MICRO_BATCH: String(MICRO_BATCH),
        BULK_CHUNKS_AT_ONCE: '1',
        BULK_CHUNKS_PER_RUN: '1',
        BULK_HAND_OVER_MOST: '2',
        BULK_SLOW_AFTER_MS: '2000',
      };
      const plan = Object.fromEntries(actors.map(({ bulkId, point }) => [bulkId, { point }]));
      const doomed = startKillProcess('kill-worker', { env, plan });
      closers.unshift(doomed.kill);
      await doomed.up();
      await world.pool.query('update bulks set sweep_after = now()');
      await doomed.allReached();
      // An intent that is about to commit share-locks its bulk's row: the control waits until the worker is dead.
      const controls = actors.map(async (actor) => {
        if (actor.control) expect(await control(actor, actor.control)).toBe(200);
      });
      await settle();
      await doomed.kill();
      await Promise.all(controls);
      const worker = startProduct('worker', env);
      closers.unshift(() => worker.kill('SIGTERM'));
    }, 300_000);

    afterAll(async () => {
      for (const close of closers) await close();
    });

    /** A bulk of two chunks, of a merchant and an account of its own. */
    async function send(one: KillCase, index: number): Promise<Actor> {
      const by = await createKillMerchant(world, index);
      await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 100000, 'more')", [by.merchantId]);
      const { scenario = 'success' } = one;
      const lines = world.linesOf([...Array.from({ length: 2 * CHUNK - 1 }, () => scenario), 'customer_unknown']);
      const { key } = await createApiKey(world.pool, {
        role: 'merchant',
        merchantId: by.merchantId,
        environment: 'sandbox',
        subject: { kind: 'system', systemId: `shop-${index}`, responsiblePersonId: 'per_shop' },
      });
      const request = { key, idempotencyKey: randomUUID(), body: { lines, notify: 'none' } };
      const answer = await world.ask('POST', '/v1/bulk-cash-ins', request);
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.text}`);
      return { ...one, key, bulkId: answer.body.id, lines };
    }

    async function control({ bulkId, key }: Actor, act: 'pause' | 'resume' | 'cancel'): Promise<number> {
      return (await world.ask('POST', `/v1/bulk-cash-ins/${bulkId}/${act}`, { key })).status;
    }

    async function untilBulkIs(actor: Actor, state: string): Promise<void> {
      await eventually(
        `the bulk that stood at ${nameOf(actor)} is ${state}`,
        async () => {
          const { rows } = await world.pool.query<{ state: string }>('select state from bulks where id = $1', [
            actor.bulkId,
          ]);
          return rows[0]?.state === state;
        },
        150_000,
      );
    }

    async function untilNothingIsUnderWay(bulkId: string): Promise<void> {
      await eventually(
        'what left before the pause is at rest',
        async () =>
          (await statesOf(bulkId)).every(({ state }) => !['processing', 'pending', 'unknown'].includes(state)),
        100_000,
      );
    }

    async function statesOf(bulkId: string): Promise<readonly { state: string }[]> {
      const { rows } = await world.pool.query<{ state: string }>(
        'select state from payouts where bulk_id = $1 order by bulk_line',
        [bulkId],
      );
      return rows;
    }

    test.each(CASES[way].map((one, index) => [nameOf(one), index] as const))(
      'at %s: every line is paid once or not at all, and says so',
      async (_name, index) => {
        const actor = actors[index]!;
        const { point, bulkId, lines } = actor;
        if (actor.control === 'pause') {
          await untilNothingIsUnderWay(bulkId);
          const left = way === 'lines' ? MICRO_BATCH : CHUNK;
          const later = await Promise.all(lines.slice(left).map(({ recipient }) => world.credited(recipient.msisdn)));
          expect(later.filter((amount) => amount > 0n)).toEqual([]);
          expect(await control(actor, 'resume')).toBe(200);
        }
        await untilBulkIs(actor, actor.control === 'cancel' ? 'cancelled' : 'completed');
        const states = await statesOf(bulkId);
        if (actor.control === 'cancel') expect(states.map(({ state }) => state)).toContain('cancelled');
        const wrong: string[] = [];
        for (const [number, line] of lines.entries()) {
          const { state = '' } = states[number] ?? {};
          const credited = await world.credited(line.recipient.msisdn);
          const right =
            (state === 'succeeded' && credited === BigInt(line.amount)) ||
            (['failed', 'cancelled'].includes(state) && credited === 0n) ||
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
