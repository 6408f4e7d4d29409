import { applyOutcome } from '../../src/db/apply-outcome';
import { lockPayout } from '../../src/db/payout-rows';
import { confirmDecision, proposeDecision } from '../../src/db/decisions';
import { insertLookUp } from '../../src/db/look-ups';
import { isProvenUnpaid } from '../../src/domain/outcome';
import type { Outcome, SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import { PAYOUT_STATE_NAMES, PAYOUT_TRANSITIONS } from '../../src/domain/payout-state';
import { ACCOUNT, createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { confirmBySql, insertSubmissionBySql, refusal, standPayout } from '../helpers/standing-payout';
import { writeStatement } from '../helpers/statements';

const OUTCOMES: readonly SubmissionOutcome[] = [null, 'void', 'not_sent', 'accepted', 'settled', 'rejected', 'unknown'];

/** Every set of one and of two submissions. */
const SETS = [
  ...OUTCOMES.map((outcome) => [outcome]),
  ...OUTCOMES.flatMap((first, index) => OUTCOMES.slice(index).map((second) => [first, second])),
];

const FROM = PAYOUT_STATE_NAMES.filter((state) => PAYOUT_TRANSITIONS[state].includes('failed'));

const words = { code: null, text: null };
const REFUSED: Outcome = { outcome: 'rejected', kind: 'final', remedy: null, ...words };

describe('a payout that may have been paid is never called failed', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 100000000, 'much')", [world.merchantId]);
  });
  afterAll(() => world.close());

  async function holdOf(id: string): Promise<string | null> {
    const { rows } = await world.pool.query<{ closed_by: string | null }>(
      'select closed_by from holds where payout_id = $1',
      [id],
    );
    return rows[0]?.closed_by ?? null;
  }

  test('the states that may fail are the ones tried here', () => {
    expect(FROM).toEqual(['processing', 'pending', 'unknown', 'in_review', 'succeeded']);
  });

  test.each(FROM)('a bare UPDATE from %s is refused unless every submission is proven unpaid', async (from) => {
    const answers = new Map<string, string>();
    for (const outcomes of SETS) {
      const { id } = await standPayout(world, { state: from, outcomes });
      if (from === 'in_review' || from === 'succeeded') await confirmBySql(world.pool, id);
      const sql = "update payouts set state = 'failed', version = version + 1 where id = $1";
      answers.set(outcomes.join(), await refusal(world.pool.query(sql, [id])));
    }
    for (const outcomes of SETS) {
      expect([outcomes, answers.get(outcomes.join())]).toEqual([
        outcomes,
        outcomes.every(isProvenUnpaid) ? 'done' : 'CA409',
      ]);
    }
  });

  test.each(PAYOUT_STATE_NAMES.filter((state) => !FROM.includes(state) && state !== 'failed' && state !== 'accepted'))(
    'a bare UPDATE from %s is no transition',
    async (state) => {
      const scheduledAt = new Date(Date.now() + 60_000);
      const id = state === 'scheduled' ? await world.accept({ scheduledAt }) : (await standPayout(world, { state })).id;
      const sql = "update payouts set state = 'failed', version = version + 1 where id = $1";
      expect(await refusal(world.pool.query(sql, [id]))).toBe('CA003');
    },
  );

  test.each(['in_review', 'succeeded'] as const)('from %s it takes a decision of two persons', async (state) => {
    const { id } = await standPayout(world, { state, outcomes: ['rejected'] });
    const sql = "update payouts set state = 'failed', version = version + 1 where id = $1";
    expect(await refusal(world.pool.query(sql, [id]))).toBe('CA003');
    await world.pool.query(
      `insert into decisions (id, payout_id, resolution, evidence_enc, payout_version, proposed_by)
       select 'dec_' || id, id, 'not_paid', '', version, 'per_one' from payouts where id = $1`,
      [id],
    );
    expect(await refusal(world.pool.query(sql, [id]))).toBe('CA003');
  });

  test('the hold is not released unless every submission is proven unpaid', async () => {
    for (const outcomes of SETS) {
      const { id } = await standPayout(world, { state: 'processing', outcomes });
      const answer = await refusal(world.pool.query('select release_hold($1)', [id]));
      const isFree = outcomes.every(isProvenUnpaid);
      expect([outcomes, answer, await holdOf(id)]).toEqual([
        outcomes,
        isFree ? 'done' : 'CA409',
        isFree ? 'release' : null,
      ]);
    }
  });

  /** Applies a final refusal to the first submission, as a call or a look-up tells it. */
  async function applyRefusal(
    state: PayoutState,
    outcomes: readonly SubmissionOutcome[],
    source: 'answer' | 'lookup',
  ): Promise<{ state: string; hold: string | null; learnt: SubmissionOutcome }> {
    const { id, submissions } = await standPayout(world, { state, outcomes });
    const submissionId = submissions[0]!;
    const trx = await world.pool.connect();
    try {
      await trx.query('begin');
      const lookUp = { payoutId: id, submissionId, verdict: 'rejected', providerReference: null, rowsSeen: 1 } as const;
      const sourceId = source === 'lookup' ? await insertLookUp(trx, lookUp) : submissionId;
      const news = { submissionId, outcome: REFUSED, source, sourceId, backOffMs: 0, watchMs: 0 };
      const payout = await applyOutcome(trx, await lockPayout(trx, id), news);
      await trx.query('commit');
      const [first] = await world.submissions(id);
      return { state: payout.state, hold: await holdOf(id), learnt: first!.outcome };
    } finally {
      trx.release();
    }
  }

  const LEARNS: readonly SubmissionOutcome[] = [null, 'accepted', 'unknown'];
  const PAIRS = LEARNS.flatMap((first) => [[first], ...OUTCOMES.map((second) => [first, second])]);

  test.each(
    (['processing', 'pending', 'unknown'] as const).flatMap((state) =>
      (['answer', 'lookup'] as const).map((source) => ({ state, source })),
    ),
  )('applyOutcome: a refusal by $source from $state fails only what is wholly proven unpaid', async (from) => {
    for (const outcomes of PAIRS) {
      const isFree = outcomes.slice(1).every(isProvenUnpaid);
      expect({ outcomes, ...(await applyRefusal(from.state, outcomes, from.source)) }).toEqual({
        outcomes,
        learnt: 'rejected',
        state: isFree ? 'failed' : 'unknown',
        hold: isFree ? 'release' : null,
      });
    }
  });

  test('applyOutcome: a refusal of a settled submission asks people and fails nothing', async () => {
    for (const state of ['processing', 'pending', 'unknown', 'in_review'] as const) {
      for (const outcomes of [['settled'], ...OUTCOMES.map((second) => ['settled', second] as const)]) {
        const { hold, ...after } = await applyRefusal(state, outcomes as SubmissionOutcome[], 'lookup');
        expect({ outcomes, ...after, hold }).toEqual({
          outcomes,
          state: 'in_review',
          learnt: 'settled',
          hold: null,
        });
      }
    }
    expect((await applyRefusal('succeeded', ['settled'], 'lookup')).state).toBe('succeeded');
  });

  test('applyOutcome: a payout in review learns and stays, whatever the set', async () => {
    for (const outcomes of PAIRS) {
      expect({ outcomes, ...(await applyRefusal('in_review', outcomes, 'lookup')) }).toEqual({
        outcomes,
        learnt: 'rejected',
        state: 'in_review',
        hold: null,
      });
    }
  });

  test.each(['in_review', 'succeeded'] as const)(
    'by decision from %s: nothing moves before two persons agreed, and then every submission is decided',
    async (state) => {
      for (const outcomes of SETS) {
        const { id } = await standPayout(world, { state, outcomes });
        const decisionId = await proposeDecision(world.pool, {
          payoutId: id,
          resolution: 'not_paid',
          evidenceEnc: Buffer.from('x'),
          providerReference: null,
          keyId: 'key_per_one',
          marginMs: 0,
        });
        expect((await world.payout(id)).state).toBe(state);
        const limits = { marginMs: 0, windowMs: 0, watchMs: 60_000 };
        await confirmDecision(world.pool, { decisionId, keyId: 'key_per_two', ...limits });
        const decided = (await world.submissions(id)).map(({ outcome, source }) => [outcome, source]);
        expect((await world.payout(id)).state).toBe('failed');
        expect(decided).toEqual(
          outcomes.map((outcome) =>
            isProvenUnpaid(outcome) ? [outcome, outcome === 'void' ? null : 'answer'] : ['rejected', 'decision'],
          ),
        );
      }
    },
  );

  test('by decision: refused while a call without an outcome may still be leaving', async () => {
    const { id } = await standPayout(world, {
      state: 'in_review',
      outcomes: [null],
      sendBy: new Date(Date.now() - 1_000),
    });
    const propose = (marginMs: number): Promise<string> =>
      proposeDecision(world.pool, {
        payoutId: id,
        resolution: 'not_paid',
        evidenceEnc: Buffer.from('x'),
        providerReference: null,
        keyId: 'key_per_one',
        marginMs,
      });
    await expect(propose(60_000)).rejects.toThrow('a call may still be leaving');
    const decisionId = await propose(0);
    const limits = { marginMs: 60_000, windowMs: 0, watchMs: 0 };
    await expect(confirmDecision(world.pool, { decisionId, keyId: 'key_per_two', ...limits })).rejects.toThrow(
      'a call may still be leaving',
    );
    expect((await world.payout(id)).state).toBe('in_review');
  });
});

describe('a submission that was ever unknown', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
  });
  afterAll(() => world.close());

  const SOURCES = ['answer', 'recovery', 'late_answer', 'lookup', 'statement', 'decision'] as const;
  const ALLOWED: Readonly<Record<(typeof SOURCES)[number], readonly SubmissionOutcome[]>> = {
    answer: [],
    recovery: [],
    late_answer: ['not_sent', 'accepted', 'settled', 'rejected'],
    lookup: ['accepted', 'settled', 'rejected'],
    statement: ['accepted', 'settled'],
    decision: ['settled', 'rejected'],
  };

  interface Proofs {
    id: string;
    submissionId: string;
    otherId: string;
  }

  async function unknownPayout(): Promise<Proofs> {
    const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown', 'unknown'] });
    return { id, submissionId: submissions[0]!, otherId: submissions[1]! };
  }

  async function proofFor(source: (typeof SOURCES)[number], of: Proofs, outcome: SubmissionOutcome): Promise<string> {
    if (source === 'decision') return await confirmBySql(world.pool, of.id);
    if (source === 'statement') return await writeStatement(world.pool, { account: ACCOUNT });
    return source === 'lookup' ? await lookUp(of.id, of.submissionId, WITNESSES[outcome ?? 'unknown'][0]) : 'a source';
  }

  const VERDICTS = ['settled', 'rejected', 'in_flight', 'absent', 'review'] as const;

  /** The look-ups that prove an outcome; of what none proves, any. */
  const WITNESSES: Readonly<Record<NonNullable<SubmissionOutcome>, readonly (typeof VERDICTS)[number][]>> = {
    settled: ['settled', 'review'],
    rejected: ['rejected', 'absent'],
    accepted: ['in_flight'],
    unknown: VERDICTS,
    not_sent: VERDICTS,
    void: VERDICTS,
  };

  function lookUp(
    payoutId: string,
    submissionId: string,
    verdict: (typeof VERDICTS)[number] = 'rejected',
  ): Promise<string> {
    return insertLookUp(world.pool, { payoutId, submissionId, verdict, providerReference: null, rowsSeen: 1 });
  }

  function learn(
    submissionId: string,
    outcome: SubmissionOutcome,
    source: string | null,
    sourceId: string | null,
  ): Promise<string> {
    return refusal(
      world.pool.query(
        'update submissions set outcome = $2, source = $3, source_id = $4, rejection = $5 where id = $1',
        [submissionId, outcome, source, sourceId, outcome === 'rejected' ? 'final' : null],
      ),
    );
  }

  test.each(SOURCES)('leaves that by %s only as the rule allows, and only with its id', async (source) => {
    for (const outcome of OUTCOMES.filter((name) => name !== 'unknown')) {
      const proofs = await unknownPayout();
      expect([outcome, 'no id', await learn(proofs.submissionId, outcome, source, null)]).toEqual([
        outcome,
        'no id',
        'CA004',
      ]);
      const answer = await learn(proofs.submissionId, outcome, source, await proofFor(source, proofs, outcome));
      expect([outcome, answer]).toEqual([outcome, ALLOWED[source].includes(outcome) ? 'done' : 'CA004']);
    }
  });

  test('learns by look-up or statement also after it was accepted, never by a bare answer', async () => {
    const { id, submissionId } = await unknownPayout();
    expect(await learn(submissionId, 'accepted', 'lookup', await lookUp(id, submissionId, 'in_flight'))).toBe('done');
    expect(await learn(submissionId, 'rejected', 'answer', submissionId)).toBe('CA004');
    expect(await learn(submissionId, 'rejected', 'lookup', await lookUp(id, submissionId))).toBe('done');
  });

  test.each([null, 'accepted', 'unknown'] as const)(
    'is never proven unpaid by a statement alone where it is %s; two persons decide with it',
    async (outcome) => {
      const { id, submissions } = await standPayout(world, { state: 'in_review', outcomes: [outcome] });
      const submissionId = submissions[0]!;
      for (const unpaid of ['rejected', 'not_sent'] as const) {
        expect([unpaid, await learn(submissionId, unpaid, 'statement', 'abc:1')]).toEqual([unpaid, 'CA004']);
      }
      expect(await refusal(world.pool.query('select release_hold($1)', [id]))).toBe('CA409');
      const decisionId = await confirmBySql(world.pool, id);
      const failing = "update payouts set state = 'failed', version = version + 1 where id = $1";
      expect(await refusal(world.pool.query(failing, [id]))).toBe('CA409');
      expect(await learn(submissionId, 'rejected', 'decision', decisionId)).toBe('done');
      expect(await refusal(world.pool.query(failing, [id]))).toBe('done');
      expect(await refusal(world.pool.query('select release_hold($1)', [id]))).toBe('done');
    },
  );

  test('nor is a call written down that only a statement shows refused', async () => {
    const { id } = await standPayout(world, { state: 'processing' });
    const written = world.pool.query(
      `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
         amount, currency, send_by, outcome, rejection, source, source_id)
       select 'sub_' || id, id, 1, 1, 1, 'call', provider, credential_id, '0', amount, currency, now(), 'rejected', 'final',
         'statement', 'abc:1' from payouts where id = $1`,
      [id],
    );
    expect(await refusal(written)).toBe('CA004');
  });

  test.each(['accepted', 'settled', 'rejected'] as const)('is %s only by a look-up that saw it so', async (outcome) => {
    const proving: string[] = [];
    for (const verdict of VERDICTS) {
      const { id, submissionId } = await unknownPayout();
      const answer = await learn(submissionId, outcome, 'lookup', await lookUp(id, submissionId, verdict));
      if (answer === 'done') proving.push(verdict);
      else expect(answer).toBe('CA004');
    }
    expect(proving.toSorted()).toEqual(WITNESSES[outcome].toSorted());
  });

  test('a look-up of another submission, or none, proves nothing', async () => {
    const { id, submissionId, otherId } = await unknownPayout();
    expect(await learn(submissionId, 'rejected', 'lookup', await lookUp(id, otherId))).toBe('CA004');
    expect(await learn(submissionId, 'rejected', 'lookup', 'lu_invented')).toBe('CA004');
  });

  test('a decision that is not confirmed, was withdrawn or is about another payout proves nothing', async () => {
    const { id, submissionId } = await unknownPayout();
    const stranger = await unknownPayout();
    await world.pool.query(
      `insert into decisions (id, payout_id, resolution, evidence_enc, payout_version, proposed_by)
       values ('dec_open', $1, 'paid', '', 3, 'per_one')`,
      [id],
    );
    expect(await learn(submissionId, 'rejected', 'decision', 'dec_open')).toBe('CA004');
    await world.pool.query("update decisions set withdrawn_at = now(), withdrawn_by = 'per_two' where id = 'dec_open'");
    expect(await learn(submissionId, 'rejected', 'decision', 'dec_open')).toBe('CA004');
    const foreign = await confirmBySql(world.pool, stranger.id);
    expect(await learn(submissionId, 'rejected', 'decision', foreign)).toBe('CA004');
  });

  test.each([
    ['forgetting that it was unknown', 'ever_unknown = false'],
    ['forgetting its source', 'source = null'],
    ['another source', "source = 'lookup', source_id = 'lu_x'"],
    ['another reference of ours', "id = 'sub_other'"],
    ['another amount', 'amount = 1'],
  ])('%s is refused', async (_, change) => {
    const { submissionId } = await unknownPayout();
    expect(await refusal(world.pool.query(`update submissions set ${change} where id = $1`, [submissionId]))).toMatch(
      /^CA00[14]$/,
    );
  });

  test('is marked for ever, and every step of it is kept', async () => {
    const { id, submissionId } = await unknownPayout();
    await learn(submissionId, 'rejected', 'lookup', await lookUp(id, submissionId));
    const { rows } = await world.pool.query<{ ever_unknown: boolean; steps: string }>(
      `select ever_unknown, (select string_agg(coalesce(from_outcome, '-') || '>' || to_outcome || ' ' || source, ', ' order by id)
         from submission_outcomes where submission_id = submissions.id) as steps from submissions where id = $1`,
      [submissionId],
    );
    expect(rows).toEqual([{ ever_unknown: true, steps: '->unknown answer, unknown>rejected lookup' }]);
    expect(await refusal(world.pool.query('delete from submission_outcomes'))).toBe('CA001');
    expect(await refusal(world.pool.query('delete from submissions'))).toBe('CA001');
  });

  test('a row without an outcome can be recovered only as unknown', async () => {
    const { id } = await standPayout(world, { state: 'processing' });
    const submissionId = await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: null });
    for (const outcome of ['not_sent', 'accepted', 'settled', 'rejected'] as const) {
      expect([outcome, await learn(submissionId, outcome, 'recovery', null)]).toEqual([outcome, 'CA004']);
    }
    expect(await learn(submissionId, 'unknown', 'recovery', null)).toBe('done');
  });
});
