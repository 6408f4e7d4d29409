import { applyOutcome } from '../../src/db/apply-outcome';
import { lockPayout } from '../../src/db/payout-rows';
import { createApiKey } from '../../src/db/api-keys';
import { confirmDecision, proposeDecision, withdrawDecision } from '../../src/db/decisions';
import { insertLookUp } from '../../src/db/look-ups';
import { listPayoutEvents } from '../../src/db/payout-events';
import { recoverAttempt } from '../../src/db/positions';
import { putInReview } from '../../src/db/put-in-review';
import { openReviewItem } from '../../src/db/review-items';
import { withTransaction } from '../../src/db/transaction';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import type { Payout } from '../../src/domain/payout';
import type { PayoutState } from '../../src/domain/payout-state';
import { PAYOUT_STATE_NAMES } from '../../src/domain/payout-state';
import { RESOLUTIONS } from '../../src/domain/review';
import type { Resolution, ReviewKind } from '../../src/domain/review';
import { authenticateOperator } from '../../src/ops/authenticate-operator';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { addOperators, addVerifiedOperators, operatorKeyOf } from '../helpers/persons';
import { refusal, standPayout, transactionOf } from '../helpers/standing-payout';

const VOTE_REFUSED = 'CA005';
const LIMITS = { marginMs: 500, windowMs: 60_000, watchMs: 60_000 };

describe('a decision of two persons', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  async function stand(
    state: PayoutState,
    outcomes: readonly SubmissionOutcome[] = [],
    question: ReviewKind = 'settlement_window_over',
  ): Promise<{ id: string; submissions: readonly string[] }> {
    const payout = await standPayout(world, { state, outcomes });
    await openReviewItem(world.pool, { payoutId: payout.id, kind: question, detail: null });
    return payout;
  }

  function propose(
    payoutId: string,
    resolution: Resolution,
    {
      providerReference = null,
      keyId = operatorKeyOf('per_one'),
      marginMs = LIMITS.marginMs,
    }: { providerReference?: string | null; keyId?: string; marginMs?: number } = {},
  ): Promise<string> {
    return proposeDecision(world.pool, {
      payoutId,
      resolution,
      evidenceEnc: Buffer.from('sealed'),
      providerReference,
      keyId,
      marginMs,
    });
  }

  function confirm(decisionId: string, keyId = operatorKeyOf('per_two')): Promise<Payout> {
    return confirmDecision(world.pool, { decisionId, keyId, ...LIMITS });
  }

  function withdraw(decisionId: string, personId = 'per_one'): Promise<void> {
    return withdrawDecision(world.pool, { decisionId, personId });
  }

  async function decide(
    payoutId: string,
    resolution: Resolution,
    providerReference: string | null = null,
  ): Promise<Payout> {
    return await confirm(await propose(payoutId, resolution, { providerReference }));
  }

  async function confirmBySql(decisionId: string, person: string): Promise<string> {
    const sql = 'update decisions set confirmed_by = $2, confirmed_at = now() where id = $1';
    return await refusal(world.pool.query(sql, [decisionId, person]));
  }

  async function openReviews(id: string): Promise<number> {
    const { rows } = await world.pool.query<{ open: number }>(
      'select count(*)::int as open from review_items where payout_id = $1 and closed_at is null',
      [id],
    );
    return rows[0]!.open;
  }

  async function holdOf(id: string): Promise<unknown> {
    const { rows } = await world.pool.query<{ closed_by: string | null }>(
      'select closed_by from holds where payout_id = $1',
      [id],
    );
    return rows[0]?.closed_by ?? null;
  }

  async function settleByLookUp(payoutId: string, submissionId: string): Promise<void> {
    const providerReference = `MP9-${payoutId}`;
    await withTransaction(world.pool, async (trx) => {
      const lookUp = { payoutId, submissionId, verdict: 'settled', providerReference, rowsSeen: 1 } as const;
      const sourceId = await insertLookUp(trx, lookUp);
      const outcome = { outcome: 'settled', providerReference, code: null, text: null } as const;
      await applyOutcome(trx, await lockPayout(trx, payoutId), {
        submissionId,
        outcome,
        source: 'lookup',
        sourceId,
        backOffMs: 0,
        watchMs: 0,
      });
    });
  }

  async function changes(before: Record<string, bigint>): Promise<Record<string, bigint>> {
    const after = await world.balances();
    return Object.fromEntries(
      Object.entries(after)
        .map(([kind, balance]) => [kind, balance - (before[kind] ?? 0n)] as const)
        .filter(([, change]) => change !== 0n),
    );
  }

  test('changes nothing until another person confirms it', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const before = await world.payout(id);
    const decisionId = await propose(id, 'paid');
    expect(await world.payout(id)).toEqual(before);
    await expect(confirm(decisionId, operatorKeyOf('per_one'))).rejects.toThrow('two persons decide');
    expect(await world.payout(id)).toEqual(before);
    expect((await confirm(decisionId)).state).toBe('succeeded');
  });

  test('takes two persons, not two keys of one', async () => {
    const keyOf = async (personId: string): Promise<string> =>
      (await createApiKey(world.pool, { role: 'operator', subject: { kind: 'person', personId } })).key;
    const [first, second, other] = await Promise.all([keyOf('per_one'), keyOf('per_one'), keyOf('per_two')]);
    const { id } = await stand('in_review', ['unknown']);
    const decisionId = await propose(id, 'paid', {
      keyId: (await authenticateOperator(world.pool, first)).keyId,
    });
    expect(second).not.toBe(first);
    await expect(confirm(decisionId, (await authenticateOperator(world.pool, second)).keyId)).rejects.toThrow(
      'two persons',
    );
    expect((await confirm(decisionId, (await authenticateOperator(world.pool, other)).keyId)).state).toBe('succeeded');
  });

  test('PostgreSQL refuses one person in both places', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const decisionId = await propose(id, 'paid');
    expect(await confirmBySql(decisionId, 'per_one')).toBe(VOTE_REFUSED);
  });

  describe('PostgreSQL refuses, whoever writes,', () => {
    const insertDecision = `insert into decisions (id, payout_id, resolution, evidence_enc, payout_version, proposed_by`;
    const vote = (decisionId: string, person: string): Promise<string> =>
      refusal(
        world.pool.query('insert into decision_votes (decision_id, key_id) values ($1, $2)', [
          decisionId,
          operatorKeyOf(person),
        ]),
      );

    test('one INSERT with two names, which reverses a paid payout', async () => {
      const { id } = await standPayout(world, { state: 'succeeded', outcomes: ['settled'] });
      const version = (await world.payout(id)).version;
      const both = `${insertDecision}, confirmed_by, confirmed_at) values ($1, $2, 'not_paid', '', $3, 'per_one', 'per_two', now())`;
      expect(await refusal(world.pool.query(both, [`dec_${id}`, id, version]))).toBe(VOTE_REFUSED);
      const open = `${insertDecision}) values ($1, $2, 'not_paid', '', $3, 'per_one')`;
      await world.pool.query(open, [`dec_${id}`, id, version]);
      expect(await confirmBySql(`dec_${id}`, 'per_two')).toBe(VOTE_REFUSED);
      const turn = "update payouts set state = 'failed', version = version + 1 where id = $1";
      expect(await refusal(world.pool.query(turn, [id]))).toBe('CA003');
    });

    test('two votes in one statement or one transaction', async () => {
      const { id } = await stand('in_review', ['unknown']);
      const decisionId = `dec_${id}`;
      const version = (await world.payout(id)).version;
      await world.pool.query(`${insertDecision}) values ($1, $2, 'paid', '', $3, 'per_one')`, [
        decisionId,
        id,
        version,
      ]);
      const votes = `insert into decision_votes (decision_id, key_id) values ($1, 'key_per_one'), ($1, 'key_per_two')`;
      expect(await refusal(world.pool.query(votes, [decisionId]))).toBe('23505');
      const together = withTransaction(world.pool, async (trx) => {
        for (const person of ['per_one', 'per_two']) {
          await trx.query('insert into decision_votes (decision_id, key_id) values ($1, $2)', [
            decisionId,
            operatorKeyOf(person),
          ]);
        }
      });
      expect(await refusal(together)).toBe('23505');
      const { rows } = await world.pool.query('select 1 from decision_votes where decision_id = $1', [decisionId]);
      expect(rows).toEqual([]);
    });

    test('a vote in another person’s name, of a person who is not verified, or of a person of the merchant’s side', async () => {
      const { id } = await stand('in_review', ['unknown']);
      const decisionId = await propose(id, 'paid');
      await world.pool.query('insert into decision_votes (decision_id, key_id, person_id) values ($1, $2, $3)', [
        decisionId,
        operatorKeyOf('per_two'),
        'per_shop',
      ]);
      const { rows } = await world.pool.query(
        'select person_id from decision_votes where decision_id = $1 order by at',
        [decisionId],
      );
      expect(rows).toEqual([{ person_id: 'per_one' }, { person_id: 'per_two' }]);
      await addOperators(world.pool, 'per_invented');
      const other = await propose((await stand('in_review', ['unknown'])).id, 'paid');
      expect(await vote(other, 'per_invented')).toBe(VOTE_REFUSED);
      const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
      await addVerifiedOperators(world.pool, 'per_both');
      const subject = { kind: 'person', personId: 'per_both' } as const;
      const { id: merchantsKey } = await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
      const byMerchant = 'insert into decision_votes (decision_id, key_id) values ($1, $2)';
      expect(await refusal(world.pool.query(byMerchant, [other, merchantsKey]))).toBe(VOTE_REFUSED);
      // With the operator's own key neither: that person belongs to the merchant's side.
      expect(await vote(other, 'per_both')).toBe(VOTE_REFUSED);
    });

    test.each([
      ['who invited', 'invited'],
      ['who gave out a key for', 'key_issued'],
    ])('the other vote of the one %s the proposer within 30 days', async (_, act) => {
      await addVerifiedOperators(world.pool, `per_${act}`);
      await world.pool.query('insert into person_acts (person_id, act, key_id) values ($1, $2, $3)', [
        `per_${act}`,
        act,
        operatorKeyOf('per_two'),
      ]);
      const { id } = await stand('in_review', ['unknown']);
      const decisionId = await propose(id, 'paid', { keyId: operatorKeyOf(`per_${act}`) });
      await expect(confirm(decisionId)).rejects.toThrow('another operator confirms it');
      expect((await confirm(decisionId, operatorKeyOf('per_one'))).state).toBe('succeeded');
    });

    test('an effect of votes whose persons were merged since, or of whom one joined the merchant’s side', async () => {
      await addVerifiedOperators(world.pool, 'per_twin', 'per_joins');
      const decided = async (person: string): Promise<string> => {
        const decisionId = await propose((await stand('in_review', ['unknown'])).id, 'paid');
        expect(await vote(decisionId, person)).toBe('done');
        return decisionId;
      };
      const joined = await decided('per_joins');
      const tenant = { merchantId: world.merchantId, environment: 'sandbox' } as const;
      const subject = { kind: 'person', personId: 'per_joins' } as const;
      await createApiKey(world.pool, { role: 'merchant', ...tenant, subject });
      expect(await confirmBySql(joined, 'per_joins')).toBe(VOTE_REFUSED);
      const twins = await decided('per_twin');
      for (const [act, key] of [
        ['merge_proposed', 'per_awa'],
        ['merged', 'per_binta'],
      ] as const) {
        await world.pool.query(
          "insert into person_acts (person_id, act, into_person, key_id) values ('per_twin', $1, 'per_one', $2)",
          [act, operatorKeyOf(key)],
        );
      }
      expect(await confirmBySql(twins, 'per_twin')).toBe(VOTE_REFUSED);
    });

    test('a change of what is proposed, of a vote, or of a closed decision', async () => {
      const decisionId = await propose((await stand('in_review', ['unknown'])).id, 'paid');
      const changes = ["resolution = 'not_paid'", "proposed_by = 'per_two'", 'payout_version = payout_version + 1'];
      for (const change of changes) {
        expect(await refusal(world.pool.query(`update decisions set ${change} where id = $1`, [decisionId]))).toBe(
          'CA001',
        );
      }
      expect(await refusal(world.pool.query("update decision_votes set key_id = 'key_per_two'"))).toBe('CA001');
      expect(await refusal(world.pool.query('delete from decision_votes'))).toBe('CA001');
      await confirm(decisionId);
      const reopen = 'update decisions set confirmed_at = null, confirmed_by = null where id = $1';
      expect(await refusal(world.pool.query(reopen, [decisionId]))).toBe('CA001');
    });
  });

  test('is written with the persons and its evidence sealed, and named in the event', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const decisionId = await propose(id, 'paid');
    await confirm(decisionId);
    const { rows } = await world.pool.query('select proposed_by, confirmed_by from decisions where id = $1', [
      decisionId,
    ]);
    expect(rows).toEqual([{ proposed_by: 'per_one', confirmed_by: 'per_two' }]);
    expect((await listPayoutEvents(world.pool, id)).at(-1)).toMatchObject({
      actor: 'person:per_two',
      reason: 'decided_by_people',
      evidence: `decision:${decisionId}`,
    });
  });

  test.each([
    ['paid', ['unknown'], 'succeeded', 'capture', 'settled'],
    ['paid', ['accepted'], 'succeeded', 'capture', 'settled'],
    ['paid', [null], 'succeeded', 'capture', 'settled'],
    ['not_paid', ['unknown'], 'failed', 'release', 'rejected'],
    ['not_paid', [null], 'failed', 'release', 'rejected'],
    ['keep_looking', ['unknown'], 'unknown', null, 'unknown'],
    ['send_again', ['rejected'], 'queued', null, 'rejected'],
    ['send_again', ['void'], 'queued', null, 'void'],
    ['cancel', ['not_sent'], 'cancelled', 'release', 'not_sent'],
    ['cancel', [], 'cancelled', 'release', undefined],
  ] as const)('%s of a payout in review with %j', async (resolution, outcomes, state, hold, outcome) => {
    const { id } = await stand('in_review', outcomes);
    const decided = await decide(id, resolution);
    const [submission] = await world.submissions(id);
    expect([decided.state, await holdOf(id), submission?.outcome]).toEqual([state, hold, outcome]);
    expect(await openReviews(id)).toBe(0);
    const { rows } = await world.pool.query<{ nudged: boolean }>('select nudged from payouts where id = $1', [id]);
    expect(rows).toEqual([{ nudged: true }]);
  });

  test('is refused while a call that was called unknown as its activity ended may still be leaving', async () => {
    const sendBy = new Date(Date.now() - 1_000);
    const { id } = await standPayout(world, { state: 'processing', outcomes: [null], sendBy });
    await recoverAttempt(world.pool, { payoutId: id, attempt: 1, backOff: 0, watchMs: 0 });
    await withTransaction(world.pool, async (trx) => {
      const question = { kind: 'no_progress', detail: null, reason: 'no_progress' } as const;
      await putInReview(trx, await lockPayout(trx, id), question);
    });
    expect(await world.submissions(id)).toMatchObject([{ outcome: 'unknown', source: 'recovery' }]);
    const late = { marginMs: 60_000 };
    for (const resolution of ['paid', 'not_paid', 'keep_looking'] as const) {
      await expect(propose(id, resolution, late)).rejects.toThrow('a call may still be leaving');
    }
    const decisionId = await propose(id, 'not_paid');
    await expect(
      confirmDecision(world.pool, { ...LIMITS, ...late, decisionId, keyId: operatorKeyOf('per_two') }),
    ).rejects.toThrow('a call may still be leaving');
    expect((await confirm(decisionId)).state).toBe('failed');
  });

  test('keep_looking sets a new settlement window', async () => {
    const { id } = await stand('in_review', ['unknown']);
    expect((await decide(id, 'keep_looking')).settleBy!.getTime()).toBeGreaterThan(Date.now() + 30_000);
  });

  test('keep_looking is refused where nothing is left to find out', async () => {
    for (const outcome of ['rejected', 'settled'] as const) {
      const { id } = await stand('in_review', [outcome]);
      await expect(propose(id, 'keep_looking')).rejects.toThrow('nothing left to find out');
    }
  });

  test('send_again takes the next attempt under the same hold', async () => {
    const { id } = await stand('in_review', ['rejected']);
    expect(await decide(id, 'send_again')).toMatchObject({ attempt: 2, holdNo: 1, settleBy: null });
  });

  test.each(['send_again', 'cancel'] as const)(
    '%s is refused with a submission that may have moved money',
    async (resolution) => {
      for (const outcome of [null, 'accepted', 'settled', 'unknown'] as const) {
        const { id } = await stand('in_review', ['rejected', outcome]);
        await expect(propose(id, resolution)).rejects.toThrow('may have moved money');
      }
    },
  );

  test('not_paid leaves the payout watched', async () => {
    const { id } = await stand('in_review', ['unknown']);
    await decide(id, 'not_paid');
    const { rows } = await world.pool.query('select watch_until > now() as watched from payouts where id = $1', [id]);
    expect(rows).toEqual([{ watched: true }]);
  });

  test.each(['failed', 'cancelled'] as const)('paid after %s is booked against suspense', async (state) => {
    const { id, submissions } = await stand(state, ['rejected'], 'late_credit');
    const before = await world.balances();
    const transaction = `MP77-${state}`;
    const decided = await decide(id, 'paid', transaction);
    expect(decided).toMatchObject({ state: 'succeeded', providerReference: transaction });
    expect(await changes(before)).toEqual({ suspense: -1_000n, paid: 1_000n });
    expect(await world.submissions(id)).toMatchObject([
      { id: submissions[0], outcome: 'settled', source: 'decision', providerReference: transaction },
    ]);
    expect(await openReviews(id)).toBe(0);
  });

  test('paid without a transaction named shows the one of the submission that was paid', async () => {
    const { id, submissions } = await stand('in_review', ['rejected', 'settled', 'rejected']);
    const decided = await decide(id, 'paid');
    expect(decided).toMatchObject({ state: 'succeeded', providerReference: transactionOf(submissions[1]!) });
  });

  test('paid with no transaction known shows none, until evidence names it on the submission', async () => {
    const { id, submissions } = await stand('in_review', ['unknown']);
    expect(await decide(id, 'paid')).toMatchObject({ state: 'succeeded', providerReference: null });
    expect(await world.submissions(id)).toMatchObject([{ outcome: 'settled', providerReference: null }]);
    await settleByLookUp(id, submissions[0]!);
    expect(await world.submissions(id)).toMatchObject([{ outcome: 'settled', providerReference: `MP9-${id}` }]);
    expect(await openReviews(id)).toBe(0);
  });

  test('paid by a transaction that paid another payout is refused, named or known', async () => {
    const other = await stand('in_review', ['settled']);
    const taken = transactionOf(other.submissions[0]!);
    const { id, submissions } = await stand('in_review', ['accepted']);
    await expect(propose(id, 'paid', { providerReference: taken })).rejects.toThrow(`paid ${other.submissions[0]!} of`);
    await world.pool.query('update submissions set provider_reference = $2 where id = $1', [submissions[0], taken]);
    await expect(propose(id, 'paid')).rejects.toThrow('name the one that paid this payout');
    expect(await decide(id, 'paid', `own-${id}`)).toMatchObject({ state: 'succeeded', providerReference: `own-${id}` });
  });

  test('paid by another transaction than the one that paid its submission is refused', async () => {
    const { id } = await stand('in_review', ['settled']);
    await expect(propose(id, 'paid', { providerReference: 'MP-other' })).rejects.toThrow('name that one, or none');
  });

  test('not_paid after succeeded takes the capture back to the float', async () => {
    const { id } = await stand('succeeded', ['settled'], 'contradiction');
    const before = await world.balances();
    expect((await decide(id, 'not_paid')).state).toBe('failed');
    expect(await changes(before)).toEqual({ paid: -1_000n, available: 1_000n });
  });

  test('a payout that is turned again and again is always booked as what it is called', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const before = await world.balances();
    await decide(id, 'paid');
    expect(await changes(before)).toEqual({ held: -1_000n, paid: 1_000n });
    await decide(id, 'not_paid');
    expect(await changes(before)).toEqual({ held: -1_000n, available: 1_000n });
    await decide(id, 'paid');
    const paid = { held: -1_000n, available: 1_000n, suspense: -1_000n, paid: 1_000n };
    expect(await changes(before)).toEqual(paid);
    await decide(id, 'not_paid');
    expect(await changes(before)).toEqual({ held: -1_000n, available: 1_000n });
    await decide(id, 'paid');
    expect(await changes(before)).toEqual(paid);
  });

  test('paid settles the submission that may have been paid, or the one that people name', async () => {
    const open = await stand('in_review', ['not_sent', 'unknown', 'rejected']);
    await decide(open.id, 'paid');
    expect((await world.submissions(open.id)).map(({ outcome }) => outcome)).toEqual([
      'not_sent',
      'settled',
      'rejected',
    ]);
    const named = await stand('in_review', ['accepted', 'unknown']);
    const [first] = await world.submissions(named.id);
    await decide(named.id, 'paid', first!.providerReference);
    expect((await world.submissions(named.id)).map(({ outcome }) => outcome)).toEqual(['settled', 'unknown']);
  });

  test('paid with two submissions that are settled books the second against suspense', async () => {
    const { id } = await stand('in_review', ['settled', 'settled'], 'double_credit');
    const before = await world.balances();
    await decide(id, 'paid');
    expect(await changes(before)).toEqual({ held: -1_000n, suspense: -1_000n, paid: 2_000n });
  });

  test('dismiss closes the questions about a final payout and leaves it as it is', async () => {
    const { id } = await stand('succeeded', ['settled'], 'contradiction');
    const before = await world.payout(id);
    const balances = await world.balances();
    expect(await decide(id, 'dismiss')).toEqual(before);
    expect(await openReviews(id)).toBe(0);
    expect(await changes(balances)).toEqual({});
  });

  test('dismiss is refused in review, and where nothing is asked', async () => {
    await expect(propose((await stand('in_review', ['unknown'])).id, 'dismiss')).rejects.toThrow('needs a decision');
    const { id } = await standPayout(world, { state: 'succeeded', outcomes: ['settled'] });
    await expect(propose(id, 'dismiss')).rejects.toThrow('no question is open');
  });

  test('is refused for a payout that is still under way', async () => {
    for (const state of ['queued', 'processing', 'pending', 'unknown'] as const) {
      const { id } = await standPayout(world, { state, outcomes: ['unknown'] });
      for (const resolution of RESOLUTIONS.filter((name) => name !== 'dismiss')) {
        await expect(propose(id, resolution)).rejects.toThrow(`a payout that is ${state} cannot be resolved`);
      }
    }
  });

  test.each(PAYOUT_STATE_NAMES.filter((state) => ['succeeded', 'failed', 'cancelled', 'returned'].includes(state)))(
    'a payout that is %s can only be turned to its opposite',
    async (state) => {
      const { id } = await standPayout(world, { state, outcomes: ['rejected'] });
      const allowed: Resolution[] = [];
      for (const resolution of RESOLUTIONS) {
        await propose(id, resolution).then(
          async (decisionId) => {
            allowed.push(resolution);
            await withdraw(decisionId);
          },
          () => undefined,
        );
      }
      const expected: Readonly<Record<string, Resolution[]>> = {
        succeeded: ['not_paid'],
        failed: ['paid'],
        cancelled: ['paid'],
      };
      expect(allowed).toEqual(expected[state] ?? []);
    },
  );

  test('is refused once the payout has changed', async () => {
    const { id } = await stand('failed', ['rejected'], 'late_credit');
    const stale = await propose(id, 'paid');
    await world.pool.query('update payouts set version = version + 1 where id = $1', [id]);
    await expect(confirm(stale)).rejects.toThrow('has changed since');
    await withdraw(stale);
    expect((await decide(id, 'paid')).state).toBe('succeeded');
  });

  test('is refused once a submission of the frozen payout has learnt more', async () => {
    const { id, submissions } = await stand('in_review', ['unknown']);
    const overtaken = await propose(id, 'not_paid');
    await settleByLookUp(id, submissions[0]!);
    await expect(confirm(overtaken)).rejects.toThrow('has changed since');
    expect(await holdOf(id)).toBeNull();
    await withdraw(overtaken);
    expect((await decide(id, 'paid')).state).toBe('succeeded');
  });

  test('is refused once another question was asked about the payout', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const overtaken = await propose(id, 'not_paid');
    await openReviewItem(world.pool, { payoutId: id, kind: 'statement_mismatch', detail: null });
    await expect(confirm(overtaken)).rejects.toThrow('has changed since');
  });

  test('one is open at a time; a withdrawn one counts no more', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const first = await propose(id, 'paid');
    await expect(propose(id, 'not_paid', { keyId: operatorKeyOf('per_two') })).rejects.toThrow('proposed already');
    await withdraw(first, 'per_two');
    await expect(confirm(first)).rejects.toThrow('no such open decision');
    await expect(withdraw(first)).rejects.toThrow('no such open decision');
    expect((await decide(id, 'not_paid')).state).toBe('failed');
  });

  test('a withdrawn one names the person who withdrew it, and PostgreSQL takes none without', async () => {
    const { id } = await stand('in_review', ['unknown']);
    const decisionId = await propose(id, 'paid');
    const bySql = (change: string): Promise<unknown> =>
      world.pool.query(`update decisions set ${change} where id = $1`, [decisionId]);
    await expect(bySql('withdrawn_at = now()')).rejects.toMatchObject({ code: '23514' });
    await expect(bySql("withdrawn_by = 'per_two'")).rejects.toMatchObject({ code: '23514' });
    await expect(withdraw(decisionId, 'per_nobody')).rejects.toMatchObject({ code: '23503' });
    await withdraw(decisionId, 'per_two');
    const { rows } = await world.pool.query('select proposed_by, withdrawn_by from decisions where id = $1', [
      decisionId,
    ]);
    expect(rows).toEqual([{ proposed_by: 'per_one', withdrawn_by: 'per_two' }]);
  });

  test('is carried out once, however many confirm, withdraw and propose at once', async () => {
    for (let again = 0; again < 8; again += 1) {
      const { id } = await stand('in_review', ['unknown']);
      const decisionId = await propose(id, 'paid');
      const before = await world.balances();
      const answers = await Promise.allSettled([
        confirm(decisionId),
        propose(id, 'not_paid', { keyId: operatorKeyOf('per_two') }),
        confirm(decisionId),
        withdraw(decisionId),
        confirm(decisionId),
      ]);
      const confirmed = [0, 2, 4].filter((index) => answers[index]?.status === 'fulfilled').length;
      const withdrawn = answers[3].status === 'fulfilled';
      expect([confirmed, withdrawn]).toEqual(withdrawn ? [0, true] : [1, false]);
      expect(await changes(before)).toEqual(withdrawn ? {} : { held: -1_000n, paid: 1_000n });
      for (const answer of answers) {
        if (answer.status === 'rejected') expect((answer.reason as Error).name).toBe('DecisionRefused');
      }
    }
  });
});
