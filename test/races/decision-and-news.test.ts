import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { confirmDecision, DecisionRefused, proposeDecision, withdrawDecision } from '../../src/db/decisions';
import type { Resolution } from '../../src/domain/review';
import { submissionReference } from '../../src/domain/reference';
import { operatorKeyOf } from '../helpers/persons';
import { searchLate } from '../helpers/search-late';
import { expectAllowedHistory } from './allowed-history';
import { delays, holdsFor } from './property';
import { AMOUNT, createRaceWorld } from './race-world';
import type { RaceWorld } from './race-world';

const TOKEN = 'an-unguessable-path-token';

const story = fc.record(
  {
    resolution: fc.constantFrom('paid' as const, 'not_paid' as const, 'keep_looking' as const),
    /** Who confirms, when. One of them may be the person that proposed it. */
    confirms: fc.array(fc.record({ person: fc.constantFrom('per_one', 'per_two'), delayMs: delays(80) }), {
      minLength: 1,
      maxLength: 3,
    }),
    lookUps: fc.array(delays(80), { maxLength: 2 }),
    callbacks: fc.array(fc.record({ claim: fc.constantFrom('success', 'failed'), delayMs: delays(80) }), {
      maxLength: 2,
    }),
    lockedMs: fc.nat(60),
  },
  { noNullPrototype: true },
);

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** The decision with no news at all, and long after the news: the drawn ones lie between. */
const EXTREMES: Story[] = [
  { resolution: 'paid', confirms: [{ person: 'per_two', delayMs: 0 }], lookUps: [], callbacks: [], lockedMs: 0 },
  { resolution: 'paid', confirms: [{ person: 'per_two', delayMs: 1_500 }], lookUps: [0], callbacks: [], lockedMs: 0 },
];

describe('two persons decide while the provider reports', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await createRaceWorld({ settings: { settlementWindowMs: 700, sendByMs: 1_500 } });
    await world.startWorkers();
    await world.pool.query('update credentials set callback_token_hash = $2 where id = $1', [
      world.credentialId,
      createHash('sha256').update(TOKEN).digest(),
    ]);
    world.app.onCallback((_provider, raw) => {
      const { reference, claim, eventId } = JSON.parse(raw.body.toString()) as Record<string, string>;
      return {
        authentic: true,
        eventId: eventId!,
        reference: reference!,
        providerReference: null,
        claim: claim as 'success' | 'failed',
        paid: { amount: null, currency: null, recipient: null },
      };
    });
  });
  afterAll(() => world.close());

  /** A payout that was paid, in review since no look-up shows it until now. */
  async function inReview(): Promise<{ id: string; recipient: string; reference: string }> {
    const recipient = world.recipientOf('hidden_row');
    const id = await world.send(recipient);
    await world.untilState(id, 'in_review');
    const reference = submissionReference({ payoutId: id, attempt: 1, call: 1 });
    world.simulator.configure({ showReferences: [reference] });
    return { id, recipient, reference };
  }

  const evidence = { evidenceEnc: Buffer.from('sealed'), providerReference: null } as const;
  const margins = { marginMs: 0, windowMs: 60_000, watchMs: 60_000 } as const;

  async function confirm(decisionId: string, personId: string): Promise<'confirmed' | 'refused'> {
    return await confirmDecision(world.pool, { decisionId, keyId: operatorKeyOf(personId), ...margins }).then(
      () => 'confirmed',
      (error: unknown) => {
        if (error instanceof DecisionRefused) return 'refused';
        throw error;
      },
    );
  }

  async function propose(payoutId: string, resolution: Resolution): Promise<string> {
    return await proposeDecision(world.pool, {
      payoutId,
      resolution,
      ...evidence,
      keyId: operatorKeyOf('per_one'),
      marginMs: 0,
    });
  }

  test('one allowed history, and the hold is closed once', async () => {
    const ends = { decided: 0, overtaken: 0 };
    const race = async (stories: Story[]): Promise<void> => {
      await Promise.all(
        stories.map(async ({ resolution, confirms, lookUps, callbacks, lockedMs }) => {
          const { id, recipient, reference } = await inReview();
          const decisionId = await propose(id, resolution);
          const said: string[] = [];
          const contenders = [
            ...confirms.map(({ person, delayMs }) => async () => {
              await sleep(delayMs);
              said.push(`${person} ${await confirm(decisionId, person)}`);
            }),
            ...lookUps.map((delayMs) => async () => {
              await sleep(delayMs);
              await searchLate(world, id);
            }),
            ...callbacks.map(({ claim, delayMs }, index) => async () => {
              await sleep(delayMs);
              const body = { reference, claim, eventId: `${reference}-${claim}-${index}` };
              const { status } = await world.app.request('POST', `/callbacks/orange/${TOKEN}`, { body });
              expect(status).toBe(202);
            }),
          ];
          await world.collide(id, contenders, lockedMs);
          const confirmed = said.filter((word) => word === 'per_two confirmed');
          expect(confirmed.length).toBeLessThanOrEqual(1);
          expect(said).not.toContain('per_one confirmed');

          // Whatever was decided meanwhile, the provider's own word is heard in the end, and the second decision is on it.
          await searchLate(world, id);
          const isDecided = confirmed.length === 1;
          if (isDecided) ends.decided += 1;
          else if (said.includes('per_two refused')) ends.overtaken += 1;
          if (!isDecided) {
            expect((await world.payout(id)).state).toBe('in_review');
            expect(await confirm(decisionId, 'per_two')).toBe('refused');
            await withdrawDecision(world.pool, { decisionId, personId: 'per_one' });
            expect(await confirm(await propose(id, 'paid'), 'per_two')).toBe('confirmed');
          }
          const isCalledUnpaid = isDecided && resolution === 'not_paid';
          const { state } = await world.untilState(id, 'succeeded', 'failed');
          expect(state).toBe(isCalledUnpaid ? 'failed' : 'succeeded');
          const { openReviews } = await expectAllowedHistory(world, id);
          expect(openReviews).toEqual(isCalledUnpaid ? ['late_credit'] : []);
          expect(await world.credited(recipient)).toBe(BigInt(AMOUNT));
        }),
      );
    };
    await holdsFor(fc.array(story, { minLength: 4, maxLength: 4 }), 5, race, [EXTREMES]);
    expect(ends.decided).toBeGreaterThan(0);
    expect(ends.overtaken).toBeGreaterThan(0);
  });
});
