import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import type { ApiAnswer } from '../helpers/app';
import { ACCOUNT, PIN } from '../helpers/payout-world';
import { searchLate } from '../helpers/search-late';
import { expectAllowedHistory } from './allowed-history';
import { delays, holdsFor } from './property';
import { AMOUNT, createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';
import { readHistory } from './read-history';

/** One who retries: with its own key or the one that some share, after a while. */
const retrier = fc.record({ shares: fc.boolean(), delayMs: delays(80) }, { noNullPrototype: true });

const REFUSALS = ['conflict', 'not_retryable', 'attempt_mismatch'];

describe('retries of one failed payout at once', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await createRaceWorld();
    await world.startWorkers();
  });
  afterAll(() => world.close());

  /** A payout that failed for good, whose recipient can be paid by now. */
  async function failOnce(): Promise<{ id: string; recipient: string }> {
    const recipient = world.recipientOf('default');
    const msisdn = recipient.replace('+221', '');
    world.simulator.putAccount({ msisdn, suspended: true });
    const id = await world.send(recipient);
    await world.untilState(id, 'failed');
    world.simulator.putAccount({ msisdn, suspended: false });
    return { id, recipient };
  }

  test('one wins with one new attempt and one hold, and it is paid at most once', async () => {
    await holdsFor(fc.array(retrier, { minLength: 2, maxLength: 6 }), 6, async (retriers) => {
      const { id, recipient } = await failOnce();
      const shared = randomUUID();
      const answers = await Promise.all(
        retriers.map(async ({ shares, delayMs }) => {
          const idempotencyKey = shares ? shared : randomUUID();
          await sleep(delayMs);
          const body = { expected_attempt: 1 };
          return {
            idempotencyKey,
            ...(await world.ask('POST', `/v1/payouts/${id}/retry`, { idempotencyKey, body })),
          };
        }),
      );
      const taken = answers.filter(({ status }) => status === 202);
      expect(new Set(taken.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
      expect(new Set(taken.map(({ text }) => text)).size).toBe(1);
      expect(taken.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
      expect(taken[0]!.body).toMatchObject({ id, state: 'queued', attempt: 2 });
      for (const { status, body } of answers.filter((answer) => !taken.includes(answer))) {
        expect(status).toBe(409);
        expect(REFUSALS).toContain(body.code);
      }
      await world.untilState(id, 'succeeded');
      const { payout, submissions, holds } = await expectAllowedHistory(world, id);
      expect(payout).toMatchObject({ attempt: 2, hold_no: 2 });
      expect(submissions.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
        [1, 'rejected'],
        [2, 'settled'],
      ]);
      expect(holds.map(({ closed_by }) => closed_by)).toEqual(['release', 'capture']);
      expect(await world.credited(recipient)).toBe(BigInt(AMOUNT));
    });
  });

  test('beside a late credit of the first attempt it is refused or not, and people are asked either way', async () => {
    const moments = fc.record({ creditMs: delays(900), retryMs: delays(100) }, { noNullPrototype: true });
    await holdsFor(moments, 5, async ({ creditMs, retryMs }) => {
      const { id, recipient } = await failOnce();
      const [first] = await world.submissions(id);
      const [answer] = await Promise.all([retry(id, retryMs), creditLate(first!.id, recipient, creditMs)]);
      if (answer.status === 202) await world.untilState(id, 'succeeded');
      else expect([answer.status, answer.body.code]).toEqual([409, 'retry_found_paid']);
      // Late checks go on after `failed`.
      await searchLate(world, id);
      const { payout, openReviews } = await readHistory(world, id);
      // A credit that nobody could see before the retry is the provider's second one; without a retry it stays one.
      const isRetried = answer.status === 202;
      expect(openReviews).toEqual([isRetried ? 'double_credit' : 'late_credit']);
      expect([payout.state, payout.attempt]).toEqual(isRetried ? ['succeeded', 2] : ['failed', 1]);
      expect(await world.credited(recipient)).toBe(BigInt(AMOUNT) * (isRetried ? 2n : 1n));
      const again = await world.ask('POST', `/v1/payouts/${id}/retry`, {
        idempotencyKey: randomUUID(),
        body: { expected_attempt: payout.attempt },
      });
      expect(again.status).toBe(409);
    });
  });

  async function retry(id: string, delayMs: number): Promise<ApiAnswer> {
    await sleep(delayMs);
    const body = { expected_attempt: 1 };
    return await world.ask('POST', `/v1/payouts/${id}/retry`, { idempotencyKey: randomUUID(), body });
  }

  /** The provider takes an order after all, under our reference. */
  async function creditLate(reference: string, recipient: string, delayMs: number): Promise<void> {
    await sleep(delayMs);
    const { sandbox: orange } = world.providers.orange;
    const { value: token } = await orange.authenticate(ORANGE_ACCOUNT);
    const key = await orange.account.fetchEncryptionKey(ORANGE_ACCOUNT, token);
    const encryptedPin = orange.account.encryptPin(PIN, key);
    await orange.submit(
      { reference, amount: BigInt(AMOUNT), currency: 'XOF', recipient, account: ORANGE_ACCOUNT, token, encryptedPin },
      () => Promise.resolve('go'),
      new Date(Date.now() + 5_000),
    );
  }
});

const ORANGE_ACCOUNT = {
  clientId: 'sandbox-client',
  clientSecret: 'sandbox-secret',
  accountNumber: ACCOUNT,
  idType: 'MSISDN',
} as const;
