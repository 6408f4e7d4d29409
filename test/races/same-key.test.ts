import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { idFrom } from '../../src/db/ids';
import { payoutRequest } from '../helpers/app';
import type { ApiAnswer } from '../helpers/app';
import { expectAllowedHistory } from './allowed-history';
import { delays, holdsFor } from './property';
import { AMOUNT, createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

/** Bodies under one key: each row is one request in several spellings. */
const BODIES = [
  [{ amount: AMOUNT }, { amount: String(AMOUNT), recipient: { msisdn: '+221 77 123 45 67' }, metadata: {} }],
  [{ amount: AMOUNT + 1 }],
  [{ amount: AMOUNT, recipient: { msisdn: '771234568' } }],
] as const;

/** What a 409 names where the first body came first, by row. */
const FIELDS = [[], ['/amount'], ['/recipient']] as const;

const client = fc.record(
  {
    row: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(BODIES.length - 1) }),
    spelling: fc.nat(1),
    delayMs: delays(60),
  },
  { noNullPrototype: true },
);

describe('many clients with one idempotency key', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await createRaceWorld();
  });
  afterAll(() => world.close());

  const held = async (): Promise<bigint> => (await world.balances())['held'] ?? 0n;

  test('get one payout: who sent its body its first answer, all others a refusal', async () => {
    await holdsFor(fc.array(client, { minLength: 2, maxLength: 16 }), 25, async (clients) => {
      const idempotencyKey = randomUUID();
      const before = await held();
      const answers = await Promise.all(
        clients.map(async ({ row, spelling, delayMs }): Promise<ApiAnswer & { row: number }> => {
          const spellings = BODIES[row]!;
          await sleep(delayMs);
          const body = payoutRequest(spellings[spelling % spellings.length]);
          return { row, ...(await world.ask('POST', '/v1/payouts', { idempotencyKey, body })) };
        }),
      );
      const id = idFrom('po', world.merchantId, 'sandbox', idempotencyKey);
      const taken = answers.filter(({ status }) => status === 202);
      const refused = answers.filter(({ status }) => status !== 202);
      expect(new Set(taken.map(({ text }) => text)).size).toBe(1);
      expect(new Set(taken.map(({ row }) => row)).size).toBe(1);
      expect(taken[0]!.body.id).toBe(id);
      expect(taken.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);

      const first = taken[0]!.row;
      for (const { row, status, body } of refused) {
        expect([row === first, status, body.code]).toEqual([false, 409, 'idempotency_key_reused']);
        const named = [...new Set([...FIELDS[row]!, ...FIELDS[first]!])].sort();
        expect(body.errors.map(({ pointer }) => pointer).sort()).toEqual(named);
      }
      const { payout } = await expectAllowedHistory(world, id);
      expect([payout.state, payout.version]).toEqual(['queued', 1]);
      expect((await held()) - before).toBe(payout.amount);
      const { rows } = await world.pool.query('select payout_id from idempotency_keys where key = $1', [
        idempotencyKey,
      ]);
      expect(rows).toEqual([{ payout_id: id }]);
    });
  });

  test('hold no more than the float has, whichever of them come first', async () => {
    const richest = 3;
    await holdsFor(fc.array(delays(40), { minLength: 4, maxLength: 12 }), 10, async (waits) => {
      const { available = 0n } = await world.balances();
      const amount = Number(available / BigInt(richest));
      const keys = waits.map(() => randomUUID());
      // Each key twice, so that a refused request meets its twin.
      const answers = await Promise.all(
        [...keys, ...keys].map(async (idempotencyKey, index) => {
          await sleep(waits[index % waits.length]);
          const body = payoutRequest({ amount });
          return await world.ask('POST', '/v1/payouts', { idempotencyKey, body });
        }),
      );
      for (const { status, body } of answers) {
        if (status !== 202) expect([status, body.code]).toEqual([422, 'insufficient_float']);
      }
      const ids = new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.id));
      expect(ids.size).toBe(richest);
      for (const id of ids) await expectAllowedHistory(world, id);
      const { rows } = await world.pool.query<{ payout_id: string }>(
        'select payout_id from idempotency_keys where key = any ($1)',
        [keys],
      );
      expect(rows.map(({ payout_id }) => payout_id).sort()).toEqual([...ids].sort());
      for (const id of ids) expect((await world.ask('POST', `/v1/payouts/${id}/cancel`)).status).toBe(200);
      expect((await world.balances())['available']).toBe(available);
    });
  });
});
