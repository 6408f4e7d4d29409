import { applyOutcome } from '../../src/db/apply-outcome';
import { lockPayout } from '../../src/db/payout-rows';
import { insertLookUp } from '../../src/db/look-ups';
import { listPayoutEvents } from '../../src/db/payout-events';
import { recordAnswer } from '../../src/db/record-answer';
import { withTransaction } from '../../src/db/transaction';
import { REJECTION_KINDS } from '../../src/domain/outcome';
import type { Outcome, RejectionKind, SubmissionOutcome } from '../../src/domain/outcome';
import type { Payout } from '../../src/domain/payout';
import type { PayoutState } from '../../src/domain/payout-state';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { everythingOf, insertSubmissionBySql, refusal, standPayout, transactionOf } from '../helpers/standing-payout';
import { writeStatement } from '../helpers/statements';

const words = { code: null, text: null };
const ACCEPTED: Outcome = { outcome: 'accepted', providerReference: 'MP1', ...words };
const SETTLED: Outcome = { outcome: 'settled', providerReference: 'MP1', ...words };
const NOT_SENT: Outcome = { outcome: 'not_sent', reason: 'no connection', ...words };
const UNKNOWN: Outcome = { outcome: 'unknown', reason: 'time-out', ...words };

function rejected(kind: RejectionKind): Outcome {
  return { outcome: 'rejected', kind, remedy: null, ...words };
}

/** The look-up that shows an outcome. */
const SEEN = {
  accepted: 'in_flight',
  settled: 'settled',
  rejected: 'rejected',
  unknown: 'absent',
  not_sent: 'absent',
} as const;

describe('news of a submission', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  async function tell(
    id: string,
    submissionId: string,
    told: Outcome,
    source: 'answer' | 'recovery' | 'lookup' | 'statement' = 'answer',
    transaction = transactionOf(submissionId),
  ): Promise<Payout> {
    const outcome = 'providerReference' in told ? { ...told, providerReference: transaction } : told;
    const statement = source === 'statement' ? await writeStatement(world.pool, { account: ACCOUNT }) : '';
    return await withTransaction(world.pool, async (trx) => {
      const verdict = SEEN[outcome.outcome];
      const lookUp = { payoutId: id, submissionId, verdict, providerReference: null, rowsSeen: 1 };
      const sourceId =
        source === 'lookup' ? await insertLookUp(trx, lookUp) : source === 'statement' ? statement : submissionId;
      return await applyOutcome(trx, await lockPayout(trx, id), {
        submissionId,
        outcome,
        source,
        sourceId,
        backOffMs: 60_000,
        watchMs: 60_000,
      });
    });
  }

  /** A payout with its first submission, which is what most news is about. */
  async function stand(
    state: PayoutState,
    ...outcomes: SubmissionOutcome[]
  ): Promise<{ id: string; sub: string; all: readonly string[] }> {
    const { id, submissions } = await standPayout(world, { state, outcomes });
    return { id, sub: submissions[0]!, all: submissions };
  }

  async function holdOf(id: string): Promise<unknown> {
    const { rows } = await world.pool.query<{ closed_by: string | null }>(
      'select closed_by from holds where payout_id = $1',
      [id],
    );
    return rows.map(({ closed_by }) => closed_by ?? 'open').join();
  }

  async function reviewsOf(id: string): Promise<readonly string[]> {
    const { rows } = await world.pool.query<{ kind: string }>(
      'select kind from review_items where payout_id = $1 and closed_at is null order by kind',
      [id],
    );
    return rows.map(({ kind }) => kind);
  }

  async function outcomeOf(submissionId: string): Promise<unknown> {
    const { rows } = await world.pool.query<Record<string, unknown>>(
      'select outcome, rejection, source, source_id is not null as proven, provider_reference from submissions where id = $1',
      [submissionId],
    );
    return rows[0];
  }

  /** But that somebody looked; equal where nothing happened. */
  async function everything(id: string): Promise<object> {
    const { lookUps: _, ...rest } = await everythingOf(world.pool, id);
    return rest;
  }

  test.each([
    ['accepted', ACCEPTED, 'pending', 'open'],
    ['settled', SETTLED, 'succeeded', 'capture'],
    ['unknown', UNKNOWN, 'unknown', 'open'],
    ['not sent', NOT_SENT, 'queued', 'open'],
    ['refused for good', rejected('final'), 'failed', 'release'],
  ] as const)('the answer %s moves the payout with its hold', async (_, outcome, state, hold) => {
    const { id, sub } = await stand('processing', null);
    const payout = await tell(id, sub, outcome);
    expect([payout.state, await holdOf(id)]).toEqual([state, hold]);
    expect((await listPayoutEvents(world.pool, id)).at(-1)).toMatchObject({
      sequence: payout.version,
      from: 'processing',
      to: state,
      actor: 'provider',
      submissionId: sub,
      evidence: `answer:${sub}`,
    });
  });

  test.each(REJECTION_KINDS.filter((kind) => kind !== 'final'))(
    'a curable refusal (%s) goes back to the queue with the next attempt and its hold kept',
    async (kind) => {
      const { id, sub } = await stand('processing', null);
      const payout = await tell(id, sub, rejected(kind));
      expect(payout).toMatchObject({ state: 'queued', attempt: 2, deferrals: 1, settleBy: null });
      expect(payout.retryAt!.getTime()).toBeGreaterThan(Date.now() + 30_000);
      expect(await holdOf(id)).toBe('open');
      expect(await outcomeOf(sub)).toMatchObject({ outcome: 'rejected', rejection: kind });
    },
  );

  test('a late "settled" on an unknown payout pays it', async () => {
    const { id, sub } = await stand('unknown', 'unknown');
    expect((await tell(id, sub, SETTLED, 'lookup')).state).toBe('succeeded');
    expect(await holdOf(id)).toBe('capture');
    expect(await outcomeOf(sub)).toMatchObject({ outcome: 'settled', source: 'lookup', proven: true });
  });

  test.each([
    [ACCEPTED, 'pending'],
    [SETTLED, 'succeeded'],
    [rejected('final'), 'failed'],
    [rejected('throttled'), 'queued'],
    [NOT_SENT, 'queued'],
  ] as const)('a late answer to a call that was given up as unknown is merged (%#)', async (outcome, state) => {
    const { id, sub } = await stand('processing', null);
    expect((await tell(id, sub, UNKNOWN, 'recovery')).state).toBe('unknown');
    expect((await tell(id, sub, outcome)).state).toBe(state);
    expect(await outcomeOf(sub)).toMatchObject({ outcome: outcome.outcome, source: 'late_answer', proven: true });
  });

  test('a late answer after a look-up found it in flight is a late answer still', async () => {
    const { id, sub } = await stand('unknown', 'unknown');
    await tell(id, sub, ACCEPTED, 'lookup');
    expect((await tell(id, sub, SETTLED)).state).toBe('succeeded');
    expect(await outcomeOf(sub)).toMatchObject({ source: 'late_answer' });
  });

  test('a refusal found by a look-up is final, whatever its kind', async () => {
    for (const outcome of ['accepted', 'unknown', null] as const) {
      const { id, sub } = await stand('processing', outcome);
      expect((await tell(id, sub, rejected('throttled'), 'lookup')).state).toBe('failed');
      expect(await outcomeOf(sub)).toMatchObject({ rejection: 'final' });
    }
  });

  test('a refusal read in a statement is not written: PostgreSQL refuses it', async () => {
    for (const outcome of ['accepted', 'unknown', null] as const) {
      const { id, sub } = await stand('processing', outcome);
      await expect(tell(id, sub, rejected('final'), 'statement')).rejects.toMatchObject({ code: 'CA004' });
      expect(await outcomeOf(sub)).toMatchObject({ outcome });
    }
  });

  test('a refusal answered after the provider had taken it is final', async () => {
    const { id, sub } = await stand('pending', 'accepted');
    expect((await tell(id, sub, rejected('provider_float'))).state).toBe('failed');
  });

  test.each([
    ['accepted', UNKNOWN],
    ['accepted', NOT_SENT],
    ['settled', UNKNOWN],
    ['settled', ACCEPTED],
    ['settled', NOT_SENT],
    ['settled', SETTLED],
    ['rejected', UNKNOWN],
    ['rejected', ACCEPTED],
    ['rejected', NOT_SENT],
    ['rejected', rejected('throttled')],
    ['not_sent', UNKNOWN],
    ['not_sent', rejected('final')],
    ['unknown', UNKNOWN],
  ] as const)('what is %s learns nothing from an answer that says less or the same (%#)', async (outcome, news) => {
    const { id, sub } = await stand('unknown', outcome);
    const before = await everything(id);
    await tell(id, sub, news);
    expect(await everything(id)).toEqual(before);
  });

  test.each([
    ['failed', 'late_credit'],
    ['cancelled', 'late_credit'],
  ] as const)('"settled" on a payout that is %s asks people and changes nothing else', async (state, kind) => {
    const { id, sub } = await stand(state, 'unknown');
    const before = await world.balances();
    const payout = await tell(id, sub, SETTLED, 'lookup');
    expect([payout.state, payout.version]).toEqual([state, (await world.payout(id)).version]);
    expect(await reviewsOf(id)).toEqual([kind]);
    expect(await world.balances()).toEqual(before);
  });

  test.each(['failed', 'queued'] as const)(
    '"settled" contradicts a proven refusal of a %s payout: people are asked',
    async (state) => {
      const { id, sub } = await stand(state, 'rejected');
      await tell(id, sub, SETTLED, 'lookup');
      expect((await world.payout(id)).state).toBe(state === 'failed' ? 'failed' : 'in_review');
      expect(await reviewsOf(id)).toEqual(['late_credit']);
      expect(await outcomeOf(sub)).toMatchObject({ outcome: 'rejected' });
    },
  );

  test('"in flight" by a look-up contradicts a proven refusal: nothing is sent again before people looked', async () => {
    const { id, sub } = await stand('queued', 'rejected');
    expect((await tell(id, sub, ACCEPTED, 'lookup')).state).toBe('in_review');
    expect(await reviewsOf(id)).toEqual(['contradiction']);
  });

  test('a refusal after "settled" contradicts it: the success stands and people are asked', async () => {
    const { id, sub } = await stand('processing', null);
    await tell(id, sub, SETTLED);
    const before = await world.balances();
    expect((await tell(id, sub, rejected('final'), 'lookup')).state).toBe('succeeded');
    expect(await reviewsOf(id)).toEqual(['contradiction']);
    expect(await outcomeOf(sub)).toMatchObject({ outcome: 'settled' });
    expect(await world.balances()).toEqual(before);
  });

  test('a second submission found paid beside a success is a double credit, booked against suspense once', async () => {
    const { id, all } = await stand('unknown', 'unknown', 'unknown');
    await tell(id, all[1]!, SETTLED, 'lookup');
    const before = await world.balances();
    expect((await tell(id, all[0]!, SETTLED, 'lookup')).state).toBe('succeeded');
    expect(await reviewsOf(id)).toEqual(['double_credit']);
    const after = await world.balances();
    expect(after).toEqual({ ...before, suspense: (before['suspense'] ?? 0n) - 1_000n, paid: before['paid']! + 1_000n });
    await tell(id, all[0]!, SETTLED, 'lookup');
    expect(await world.balances()).toEqual(after);
  });

  test('a proof of one submission does not end the payout while another may have moved money', async () => {
    const { id, all } = await stand('unknown', 'unknown', 'unknown');
    await expect(tell(id, all[0]!, rejected('final'), 'lookup')).resolves.toMatchObject({ state: 'unknown' });
    expect(await holdOf(id)).toBe('open');
    expect((await tell(id, all[1]!, rejected('final'), 'lookup')).state).toBe('failed');
    expect(await holdOf(id)).toBe('release');
  });

  test('a payout in review learns only on its submission', async () => {
    for (const outcome of [SETTLED, rejected('final'), ACCEPTED]) {
      const { id, sub } = await stand('in_review', 'unknown');
      const before = await world.payout(id);
      expect(await tell(id, sub, outcome, 'lookup')).toEqual(before);
      expect(await world.payout(id)).toEqual(before);
      expect(await outcomeOf(sub)).toMatchObject({ outcome: outcome.outcome });
      expect(await holdOf(id)).toBe('open');
    }
  });

  test('the same news told by many at once books once', async () => {
    for (const outcome of [SETTLED, rejected('final'), rejected('throttled')]) {
      const { id, sub } = await stand('unknown', 'unknown');
      const told = await Promise.all(Array.from({ length: 6 }, () => tell(id, sub, outcome)));
      expect(new Set(told.map(({ version }) => version)).size).toBe(1);
      const { rows } = await world.pool.query<Record<string, number>>(
        `select (select count(*) from submission_outcomes where submission_id = $2)::int as outcomes,
           (select count(*) from payout_events where payout_id = $1)::int as events,
           (select count(*) from ledger_entries where payout_id = $1 and kind <> 'hold')::int as entries`,
        [id, sub],
      );
      const entries = outcome.outcome === 'rejected' && outcome.kind === 'throttled' ? 0 : 1;
      expect(rows).toEqual([{ outcomes: 2, events: 2, entries }]);
    }
  });

  test('news of all kinds at once leaves one proof, and people asked about the rest', async () => {
    for (let again = 0; again < 10; again += 1) {
      const { id, sub } = await stand('unknown', 'unknown');
      await Promise.all([
        tell(id, sub, SETTLED, 'lookup'),
        tell(id, sub, rejected('final'), 'lookup'),
        tell(id, sub, UNKNOWN),
        tell(id, sub, ACCEPTED),
      ]);
      const { state } = await world.payout(id);
      const reviews = await reviewsOf(id);
      expect([
        ['succeeded', 'capture', 'contradiction'],
        ['failed', 'release', 'late_credit'],
      ]).toContainEqual([state, await holdOf(id), reviews.join()]);
    }
  });

  test('an answer of an old attempt, after the payout has gone on, is merged into its own submission', async () => {
    const { id, all } = await stand('pending', 'unknown', 'accepted');
    await recordAnswer(world.pool, {
      payoutId: id,
      submissionId: all[0]!,
      asLeft: null,
      outcome: rejected('final'),
      account: { provider: 'orange', environment: 'sandbox', accountNumber: ACCOUNT },
      pinFingerprint: world.vault.fingerprintPin('orange', ACCOUNT, PIN),
      probe: false,
      backOff: { firstMs: 100, maxMs: 100 },
      watchMs: 60_000,
    });
    expect(await outcomeOf(all[0]!)).toMatchObject({ outcome: 'rejected', source: 'late_answer' });
    expect(['pending', 'unknown']).toContain((await world.payout(id)).state);
    expect((await tell(id, all[1]!, SETTLED, 'lookup')).state).toBe('succeeded');
  });

  test.each(['succeeded', 'failed', 'cancelled', 'returned', 'in_review', 'unknown', 'pending', 'processing'] as const)(
    'a second transaction of a paid submission is a double credit of a payout that is %s',
    async (state) => {
      const { id, sub } = await stand(state, 'settled');
      const isFinal = ['succeeded', 'failed', 'cancelled', 'returned'].includes(state);
      const before = await world.payout(id);
      await tell(id, sub, SETTLED, 'lookup');
      expect(await reviewsOf(id)).toEqual([]);
      for (const source of ['lookup', 'statement', 'answer'] as const)
        await tell(id, sub, SETTLED, source, `second-${sub}`);
      expect(await reviewsOf(id)).toEqual(['double_credit']);
      expect(await outcomeOf(sub)).toMatchObject({ outcome: 'settled', provider_reference: transactionOf(sub) });
      const after = await world.payout(id);
      if (isFinal) expect(after).toEqual(before);
      else expect(after.state).toBe('in_review');
    },
  );

  test.each([
    ['rejected', 'succeeded', 'double_credit'],
    ['rejected', 'queued', 'late_credit'],
    ['rejected', 'processing', 'late_credit'],
    ['unknown', 'succeeded', 'double_credit'],
  ] as const)(
    'a first submission that was %s is found paid while the payout is %s: %s, and nothing more leaves',
    async (first, state, kind) => {
      const second = state === 'succeeded' ? 'settled' : state === 'processing' ? null : 'rejected';
      const { id, all } = await stand(state, first, second);
      expect((await tell(id, all[0]!, SETTLED, 'lookup')).state).toBe(state === 'succeeded' ? state : 'in_review');
      expect(await reviewsOf(id)).toEqual([kind]);
    },
  );

  test('a second transaction that operators have dealt with is not asked about again; a third one is', async () => {
    const { id, sub } = await stand('succeeded', 'settled');
    await tell(id, sub, SETTLED, 'lookup', `second-${sub}`);
    await world.pool.query('update review_items set closed_at = now() where payout_id = $1', [id]);
    await tell(id, sub, SETTLED, 'lookup', `second-${sub}`);
    expect(await reviewsOf(id)).toEqual([]);
    await tell(id, sub, SETTLED, 'lookup', `third-${sub}`);
    expect(await reviewsOf(id)).toEqual(['double_credit']);
  });

  test('a late credit that operators have dealt with is not asked about again; another one is', async () => {
    const { id, sub } = await stand('failed', 'rejected');
    await tell(id, sub, SETTLED, 'lookup');
    await world.pool.query('update review_items set closed_at = now() where payout_id = $1', [id]);
    await tell(id, sub, SETTLED, 'lookup');
    expect(await reviewsOf(id)).toEqual([]);
    await tell(id, sub, SETTLED, 'lookup', `second-${sub}`);
    expect(await reviewsOf(id)).toEqual(['late_credit']);
  });

  test('a second submission found paid while people look at the payout is a double credit', async () => {
    const { id, all } = await stand('in_review', 'settled', 'unknown');
    expect((await tell(id, all[1]!, SETTLED, 'lookup')).state).toBe('in_review');
    expect(await reviewsOf(id)).toEqual(['double_credit']);
    expect(await outcomeOf(all[1]!)).toMatchObject({ outcome: 'settled' });
  });

  test.each(['unknown', 'pending', 'processing', 'queued', 'in_review', 'succeeded', 'failed', 'cancelled'] as const)(
    'the transaction that paid another submission pays none of a payout that is %s: a mismatch',
    async (state) => {
      const payer = await stand('unknown', 'unknown');
      await tell(payer.id, payer.sub, SETTLED, 'lookup');
      const own = { queued: 'rejected', failed: 'rejected', cancelled: 'rejected', succeeded: 'settled' } as const;
      const outcome = state in own ? own[state as keyof typeof own] : 'unknown';
      const { id, all } = await stand(state, outcome, 'rejected');
      const transaction = transactionOf(payer.sub);
      if (state === 'succeeded')
        await world.pool.query('update submissions set provider_reference = null where id = $1', [all[0]]);
      await tell(id, all[0]!, SETTLED, 'lookup', transaction);
      expect(await reviewsOf(id)).toEqual(['mismatch']);
      expect(await outcomeOf(all[0]!)).toMatchObject({ outcome });
      const isFinal = ['succeeded', 'failed', 'cancelled'].includes(state);
      expect((await world.payout(id)).state).toBe(isFinal ? state : 'in_review');
    },
  );

  test('of submissions that claim one transaction at once one is paid, and people are asked about the others', async () => {
    const transaction = `at-once-${Date.now()}`;
    const claims = await Promise.all(Array.from({ length: 4 }, () => stand('unknown', 'unknown')));
    await Promise.all(claims.map(({ id, sub }) => tell(id, sub, SETTLED, 'lookup', transaction)));
    const states = await Promise.all(claims.map(async ({ id }) => (await world.payout(id)).state));
    expect(states.sort()).toEqual(['in_review', 'in_review', 'in_review', 'succeeded']);
  });

  test('a new attempt shows no transaction, and in the end the one that paid it', async () => {
    const { id, sub } = await stand('processing', null);
    expect((await tell(id, sub, ACCEPTED)).providerReference).toBe(transactionOf(sub));
    await tell(id, sub, UNKNOWN, 'recovery');
    const failed = await tell(id, sub, rejected('final'), 'lookup');
    expect(failed).toMatchObject({ state: 'failed', providerReference: transactionOf(sub) });
    const queued = await stand('processing', null);
    await world.pool.query("update payouts set provider_reference = 'old' where id = $1", [queued.id]);
    const again = await tell(queued.id, queued.sub, rejected('throttled'));
    expect(again).toMatchObject({ state: 'queued', attempt: 2, providerReference: null });
  });

  test('a payout is paid by the transaction of the submission that is, not by a later one', async () => {
    const { id, all } = await stand('unknown', 'unknown', 'accepted');
    await world.pool.query('update payouts set provider_reference = $2 where id = $1', [id, transactionOf(all[1]!)]);
    expect(await tell(id, all[0]!, SETTLED, 'lookup')).toMatchObject({
      state: 'succeeded',
      providerReference: transactionOf(all[0]!),
    });
  });

  test('PostgreSQL refuses an empty transaction, one that proves two submissions, and one of an old attempt', async () => {
    const { id, sub } = await stand('pending', 'settled');
    const other = await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 2, outcome: 'settled' });
    const name = (submission: string, transaction: string): Promise<unknown> =>
      world.pool.query('update submissions set provider_reference = $2 where id = $1', [submission, transaction]);
    expect(await refusal(name(sub, ''))).toBe('23514');
    expect(await refusal(name(other, transactionOf(sub)))).toBe('23505');
    await world.pool.query("update payouts set provider_reference = 'old' where id = $1", [id]);
    expect(await refusal(world.pool.query('update payouts set attempt = 2 where id = $1', [id]))).toBe('CA003');
  });

  test('a submission of another payout is refused', async () => {
    const one = await stand('unknown', 'unknown');
    const other = await stand('unknown', 'unknown');
    await expect(tell(one.id, other.sub, SETTLED)).rejects.toThrow('is not of payout');
  });

  test.each([
    [rejected('final'), false],
    [rejected('throttled'), false],
    [SETTLED, true],
  ] as const)('late checks go on of what was refused, and ask once for what was paid (%#)', async (outcome, once) => {
    const { id, sub } = await stand('unknown', 'unknown');
    await tell(id, sub, outcome, 'lookup');
    const { rows } = await world.pool.query('select once from late_checks where submission_id = $1', [sub]);
    expect(rows).toEqual([{ once }]);
  });
});
