import { randomUUID } from 'node:crypto';
import type { ParsedBatchCallback, RawCallback } from '../../src/domain/callback';
import { judgeRows } from '../../src/domain/look-up';
import type { ProviderRow, Verdict } from '../../src/domain/look-up';
import type { BatchOrder, BulkOperations, Clearance, NextPage, ProviderError } from '../../src/providers/provider';
import { eventually } from '../helpers/eventually';
import { anyPage, BULK_SITUATIONS, prepareBatch, soon } from './provider-under-test';
import type { BulkSituation, BulkUnderTest, ProviderUnderTest } from './provider-under-test';

const LOST: readonly BulkSituation[] = BULK_SITUATIONS.filter((situation) => situation.endsWith('_after_taken'));
const LOST_BEFORE: readonly BulkSituation[] = BULK_SITUATIONS.filter((situation) =>
  situation.endsWith('_before_taken'),
);

/** So long, in milliseconds, a batch's rows and callbacks are waited for. */
const PATIENCE_MS = 15_000;

/** Longer than a provider of this suite needs for a second call, were there one. */
const NO_SECOND_CALL_MS = 100;

interface Held {
  world: ProviderUnderTest;
  bulk: BulkOperations;
  at: BulkUnderTest;
}

/**
 * The contract of the port's bulk call, held against the same stand-in: a batch's outcome never says more of its lines than
 * the ledger of money truly moved, nothing is sent twice, a pass over its rows is complete or fails, and a callback says
 * nothing of a line. `describeProvider` calls it.
 */
export function describeBulk(name: string, start: () => Promise<ProviderUnderTest>): void {
  describe(`${name}, by the contract of the bulk call`, () => {
    let world: ProviderUnderTest;

    beforeAll(async () => (world = await start()));
    afterAll(() => world.close());

    const go: Clearance = () => Promise.resolve('go');

    /** A provider without the call has nothing to hold. */
    async function held(test: (held: Held) => Promise<void>): Promise<void> {
      const { provider, bulk: at } = world;
      if (provider.bulk !== null && at !== null) await test({ world, bulk: provider.bulk, at });
    }

    /** Five lines of which the first makes the provider do this; the test is over where it never does. */
    async function inSituation(
      situation: BulkSituation,
      test: (order: BatchOrder, held: Held) => Promise<void>,
    ): Promise<void> {
      await held(async (parts) => {
        const head = parts.at.headFor(situation);
        if (head === null) return;
        const others = Array.from({ length: 4 }, () => parts.at.plainRecipient());
        await test(await prepareBatch(world, parts.at, [head, ...others]), parts);
      });
    }

    function verdictsOf(rows: readonly ProviderRow[], { lines, account }: BatchOrder): Verdict['verdict'][] {
      return lines.map(
        ({ reference, amount, currency, recipient }) =>
          judgeRows(rows, {
            reference,
            amount,
            currency,
            recipient: world.provider.spellRecipient(recipient),
            partner: account.accountNumber,
          }).verdict,
      );
    }

    async function listByTime({ account, token }: BatchOrder, since: Date): Promise<readonly ProviderRow[]> {
      return await world.provider.listTransactions({
        account,
        token,
        from: since,
        to: new Date(Date.now() + 60_000),
        nextPage: anyPage,
      });
    }

    async function untilSettled(order: BatchOrder, list: () => Promise<readonly ProviderRow[]>): Promise<void> {
      const isSettled = (verdict: Verdict['verdict']): boolean => verdict === 'settled';
      await eventually(
        'each line is found paid',
        async () => verdictsOf(await list(), order).every(isSettled),
        PATIENCE_MS,
      );
    }

    function creditsOf({ lines }: BatchOrder): readonly bigint[] {
      return lines.flatMap(({ reference }) => world.creditsOf(reference));
    }

    function amountsOf({ lines }: BatchOrder): readonly bigint[] {
      return lines.map(({ amount }) => amount);
    }

    /** How often each line reached the provider's money endpoints. */
    function requestsOf({ lines }: BatchOrder): number[] {
      return lines.map(({ reference }) => world.requestsOf(reference));
    }

    async function take(bulk: BulkOperations, order: BatchOrder): Promise<string> {
      const outcome = await bulk.submit(order, go, soon());
      if (outcome.outcome !== 'taken') throw new Error(`expected taken, was ${JSON.stringify(outcome)}`);
      return outcome.batchReference;
    }

    it('has a stand-in exactly where the provider has the call', () => {
      expect(world.bulk !== null).toBe(world.provider.bulk !== null);
    });

    it('states how many lines a call carries and how long it may take', () =>
      held(({ bulk }) => {
        expect(bulk.maxLines).toBeGreaterThan(0);
        expect(bulk.submitTimeoutMs).toBeGreaterThan(0);
        return Promise.resolve();
      }));

    describe('the call', () => {
      it('takes a batch once, under a name by which each line is found paid, with what was sent of it', () =>
        inSituation('taken', async (order, { bulk }) => {
          const batchReference = await take(bulk, order);
          const { account, token } = order;
          await untilSettled(order, () => bulk.listLines({ account, token, batchReference, nextPage: anyPage }));
          expect(requestsOf(order)).toEqual([1, 1, 1, 1, 1]);
          expect(creditsOf(order)).toEqual(amountsOf(order));
        }));

      it.each(LOST)('%s: the outcome is unknown, nothing is sent again, and a search by time finds each line', (what) =>
        inSituation(what, async (order, { bulk }) => {
          const since = new Date(Date.now() - 1_000);
          expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'unknown' });
          await untilSettled(order, () => listByTime(order, since));
          expect(requestsOf(order)).toEqual([1, 1, 1, 1, 1]);
          expect(creditsOf(order)).toEqual(amountsOf(order));
        }),
      );

      it.each([...LOST_BEFORE, 'refused_for_what_may_be_one_line'] as const)(
        '%s: the outcome is unknown too, never a refusal, and nothing is sent again',
        (what) =>
          inSituation(what, async (order, { bulk }) => {
            const since = new Date(Date.now() - 1_000);
            expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'unknown' });
            await new Promise((resolve) => setTimeout(resolve, NO_SECOND_CALL_MS));
            expect(requestsOf(order)).toEqual([1, 1, 1, 1, 1]);
            expect(new Set(verdictsOf(await listByTime(order, since), order))).toEqual(new Set(['absent']));
          }),
      );

      it.each([
        ['throttled', 'throttled', null],
        ['access_refused', 'credential', null],
        ['stale_key', 'stale_key', 'renew_key'],
      ] as const)('%s: the request is rejected as %s before its lines are looked at', (what, kind, remedy) =>
        inSituation(what, async (order, { bulk }) => {
          expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'rejected', kind, remedy });
          expect(requestsOf(order)).toEqual([1, 1, 1, 1, 1]);
          expect(creditsOf(order)).toEqual([]);
        }),
      );

      it('is rejected with a token that nobody issued, and taken with a new one', () =>
        inSituation('taken', async (order, { bulk }) => {
          const refused = await bulk.submit({ ...order, token: 'nobody-issued-this' }, go, soon());
          expect(refused).toMatchObject({ outcome: 'rejected', kind: 'credential', remedy: 'renew_token' });
          expect(creditsOf(order)).toEqual([]);
          expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'taken' });
        }));

      it('that is refused whole is told as that and not as a rejection of its lines', () =>
        inSituation('refused_whole', async (order, { bulk }) => {
          expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'refused_whole' });
          expect(requestsOf(order)).toEqual([1, 1, 1, 1, 1]);
          expect(creditsOf(order)).toEqual([]);
        }));

      it('that is refused whole may be paid in part all the same, which its rows show', () =>
        inSituation('refused_whole_though_half_is_paid', async (order, { bulk }) => {
          const since = new Date(Date.now() - 1_000);
          expect(await bulk.submit(order, go, soon())).toMatchObject({ outcome: 'refused_whole' });
          // The money moves line by line: the ledger is read after the rows, and may be ahead of them for a while.
          await eventually('what was paid is shown, and no more', async () => {
            const verdicts = verdictsOf(await listByTime(order, since), order);
            const shown = verdicts.filter((verdict) => verdict === 'settled').length;
            const paid = creditsOf(order).length;
            if (shown > paid) throw new Error(`${shown} lines are shown as paid, ${paid} are`);
            return paid > 0 && shown === paid;
          });
        }));
    });

    describe('before the call', () => {
      it.each([
        ['clearance says stop', (): Promise<'stop'> => Promise.resolve('stop'), soon()],
        ['the time to send is over', go, new Date(0)],
      ] as const)('where %s nothing reaches the provider', (_when, clearance, sendBy) =>
        inSituation('taken', async (order, { bulk }) => {
          expect(await bulk.submit(order, clearance, sendBy)).toMatchObject({ outcome: 'not_sent' });
          expect(requestsOf(order)).toEqual([0, 0, 0, 0, 0]);
        }),
      );

      it('the error of a clearance that fails is passed on and nothing reaches the provider', () =>
        inSituation('taken', async (order, { bulk }) => {
          const failing = bulk.submit(order, () => Promise.reject(new Error('no database')), soon());
          await expect(failing).rejects.toThrow('no database');
          expect(requestsOf(order)).toEqual([0, 0, 0, 0, 0]);
        }));

      it('one line that cannot be spelled keeps all from leaving, before anything is connected', () =>
        inSituation('taken', async (order, { bulk }) => {
          const clearance = jest.fn(go);
          const lines = order.lines.map((line, index) => (index === 3 ? { ...line, recipient: 'nobody' } : line));
          await expect(bulk.submit({ ...order, lines }, clearance, soon())).rejects.toThrow();
          expect(clearance).not.toHaveBeenCalled();
          expect(requestsOf(order)).toEqual([0, 0, 0, 0, 0]);
        }));
    });

    describe('a pass over its rows', () => {
      it('reads every page, asks before each but the first, and shows rows of that batch only', () =>
        inSituation('taken', async (order, { bulk, at }) => {
          const other = await prepareBatch(world, at, [at.plainRecipient(), at.plainRecipient()]);
          const batchReference = await take(bulk, order);
          const otherReference = await take(bulk, other);
          const { account, token } = order;
          await untilSettled(order, () => bulk.listLines({ account, token, batchReference, nextPage: anyPage }));
          await untilSettled(other, () =>
            bulk.listLines({ account, token, batchReference: otherReference, nextPage: anyPage }),
          );
          const before = at.searches();
          const nextPage = jest.fn<ReturnType<NextPage>, []>(() => Promise.resolve());
          const rows = await bulk.listLines({ account, token, batchReference, nextPage });
          expect(nextPage.mock.calls.length).toBeGreaterThan(0);
          expect(nextPage).toHaveBeenCalledTimes(at.searches() - before - 1);
          const references = rows.map(({ reference }) => reference);
          expect([...references].sort()).toEqual(order.lines.map(({ reference }) => reference).sort());
        }));

      it.each([
        ['the provider refuses', true, { name: 'ProviderError' }],
        ['there is no turn for', false, { message: 'no turn' }],
      ] as const)('where %s a later page no part of the pass is shown', (_what, isFailure, error) =>
        inSituation('taken', async (order, { bulk, at }) => {
          const batchReference = await take(bulk, order);
          const { account, token } = order;
          await untilSettled(order, () => bulk.listLines({ account, token, batchReference, nextPage: anyPage }));
          const before = at.searches();
          const nextPage = (): Promise<void> => {
            if (!isFailure) return Promise.reject(new Error('no turn'));
            at.failSearches(true);
            return Promise.resolve();
          };
          const pass = bulk.listLines({ account, token, batchReference, nextPage });
          await expect(pass).rejects.toMatchObject(error);
          at.failSearches(false);
          expect(at.searches() - before).toBeLessThanOrEqual(2);
        }),
      );

      it.each(['rows_doubled', 'pages_shifting'] as const)('with %s never takes one payment for two or none', (what) =>
        inSituation(what, async (order, { bulk }) => {
          const batchReference = await take(bulk, order);
          const { account, token } = order;
          const seen = new Set<Verdict['verdict']>();
          await untilSettled(order, async () => {
            const rows = await bulk.listLines({ account, token, batchReference, nextPage: anyPage });
            for (const verdict of verdictsOf(rows, order)) seen.add(verdict);
            return rows;
          });
          expect(seen).not.toContain('review');
          expect(seen).not.toContain('rejected');
        }),
      );

      it('shows the one line that was refused as refused, and the others as paid', () =>
        held(async ({ bulk, at }) => {
          const refused = world.recipientFor('refused');
          if (refused === null) return;
          const order = await prepareBatch(world, at, [at.plainRecipient(), refused, at.plainRecipient()]);
          const batchReference = await take(bulk, order);
          const { account, token } = order;
          const verdicts = await eventually('each line has an end', async () => {
            const found = verdictsOf(
              await bulk.listLines({ account, token, batchReference, nextPage: anyPage }),
              order,
            );
            return !found.includes('absent') && !found.includes('in_flight') && found;
          });
          expect(verdicts).toEqual(['settled', 'rejected', 'settled']);
          expect(order.lines.map(({ reference }) => world.creditsOf(reference).length)).toEqual([1, 0, 1]);
        }));

      it('under a name that is no batch shows nothing, or fails as a call that may be refused', () =>
        inSituation('taken', async (order, { bulk }) => {
          const { account, token } = order;
          for (const batchReference of [randomUUID(), 'no-batch']) {
            const shown = await bulk
              .listLines({ account, token, batchReference, nextPage: anyPage })
              .catch((error: unknown) => (error as ProviderError).kind);
            expect([[], 'refused']).toContainEqual(shown);
          }
        }));
    });

    describe('its callback', () => {
      async function arrived({ callbackUrl }: BatchOrder, at: BulkUnderTest, count: number): Promise<RawCallback[]> {
        return await eventually('its callbacks arrive', () => {
          const callbacks = at.callbacksTo(callbackUrl);
          return callbacks.length >= count && [...callbacks];
        });
      }

      /** What the connector makes of each callback that arrived for the batch, once there are so many. */
      async function parsed(order: BatchOrder, { bulk, at }: Held, count: number): Promise<object[]> {
        const callbacks = await arrived(order, at, count);
        return callbacks.map((callback) => withAnyEvent(bulk.parseCallback(callback, at.callbackSecrets)));
      }

      /** A provider need not give its events ids. */
      function withAnyEvent(callback: ParsedBatchCallback): object {
        return callback.authentic ? { ...callback, eventId: 'any' } : callback;
      }

      function hintAt(batchReference: string): object {
        return { authentic: true, eventId: 'any', batchReference };
      }

      it('names the batch, and says nothing of any line', () =>
        inSituation('taken', async (order, parts) => {
          const batchReference = await take(parts.bulk, order);
          expect(await parsed(order, parts, 1)).toStrictEqual([hintAt(batchReference)]);
        }));

      it('says the same whatever status it carries', () =>
        inSituation('callback_contradictory', async (order, parts) => {
          const batchReference = await take(parts.bulk, order);
          const both = await parsed(order, parts, 2);
          expect(both).toStrictEqual([hintAt(batchReference), hintAt(batchReference)]);
        }));

      it('is only authentic where it was signed with our secret', () =>
        inSituation('callback_forged', async (order, parts) => {
          const batchReference = await take(parts.bulk, order);
          const [forged, real] = await parsed(order, parts, 2);
          expect(forged).toStrictEqual({ authentic: false, why: expect.any(String) as string });
          expect(real).toStrictEqual(hintAt(batchReference));
        }));

      it('may name another batch, which is told as it is', () =>
        inSituation('callback_of_another', async (order, parts) => {
          const batchReference = await take(parts.bulk, order);
          const [other, real] = await parsed(order, parts, 2);
          expect(other).toMatchObject({ authentic: true });
          expect(other).not.toEqual(hintAt(batchReference));
          expect(real).toStrictEqual(hintAt(batchReference));
        }));

      it('is forged where a byte of it was changed', () =>
        inSituation('taken', async (order, { bulk, at }) => {
          await take(bulk, order);
          const [callback] = await arrived(order, at, 1);
          const body = Buffer.concat([callback!.body, Buffer.from(' ')]);
          const read = [callback!, { ...callback!, body }].map((raw) => bulk.parseCallback(raw, at.callbackSecrets));
          expect(read.map(({ authentic }) => authentic)).toEqual([true, false]);
        }));

      it.each(['', 'hello', '[]', 'null', '7', '{}', '{"reference":1e999}'])('of %j names nothing', (body) =>
        held(({ bulk }) => {
          const secrets = { signingSecret: null, authorization: null };
          const raw = { body: Buffer.from(body), headers: {}, receivedAt: new Date() };
          expect(bulk.parseCallback(raw, secrets)).toStrictEqual({
            authentic: true,
            eventId: null,
            batchReference: null,
          });
          return Promise.resolve();
        }),
      );
    });
  });
}
