import { applyOutcome } from '../../src/db/apply-outcome';
import type { OutcomeNews } from '../../src/db/apply-outcome';
import { newId } from '../../src/db/ids';
import { insertLookUp } from '../../src/db/look-ups';
import { mergeAtOnce } from '../../src/db/merge-at-once';
import { lockPayout } from '../../src/db/payout-rows';
import { positionInRow, readPosition } from '../../src/db/positions';
import type { StandingRow } from '../../src/db/positions';
import { recordAnswer } from '../../src/db/record-answer';
import { listSubmissions } from '../../src/db/submissions';
import { withTransaction } from '../../src/db/transaction';
import type { Outcome, SubmissionOutcome } from '../../src/domain/outcome';
import type { Payout } from '../../src/domain/payout';
import type { PayoutState } from '../../src/domain/payout-state';
import type { Position } from '../../src/domain/position';
import { eventually } from '../helpers/eventually';
import { aroundStatements } from '../helpers/kill-pool';
import { listLockWaiters } from '../helpers/lock-waiters';
import { ACCOUNT, createPayoutWorld, PIN } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { everythingOf, insertSubmissionBySql, standPayout, toldOf, transactionOf } from '../helpers/standing-payout';

const words = { code: '60019', text: 'as told' };
const ACCEPTED: Outcome = { outcome: 'accepted', providerReference: 'MP1', ...words };
const SETTLED: Outcome = { outcome: 'settled', providerReference: 'MP1', ...words };
const REJECTED: Outcome = { outcome: 'rejected', kind: 'final', remedy: null, ...words };
const UNKNOWN: Outcome = { outcome: 'unknown', reason: 'time-out', ...words };

/** What stands, what is told of it and by whom: all that is plain. */
const PLAIN: readonly [PayoutState, SubmissionOutcome, Outcome, 'answer' | 'lookup'][] = [
  ['processing', null, ACCEPTED, 'answer'],
  ['processing', null, SETTLED, 'answer'],
  ['pending', 'accepted', SETTLED, 'lookup'],
  ['unknown', 'unknown', SETTLED, 'lookup'],
];

describe('an outcome merged in one statement', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.pool.query(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ('we_all', $1, 'sandbox', 'https://merchant.example', '{payout.succeeded}', '')`,
      [world.merchantId],
    );
  });
  afterAll(() => world.close());

  async function stand(state: PayoutState, outcome: SubmissionOutcome): Promise<{ payout: Payout; sub: string }> {
    const { id, submissions } = await standPayout(world, { state, outcomes: [outcome] });
    return { payout: await world.payout(id), sub: submissions[0]! };
  }

  function newsOf(submissionId: string, outcome: Outcome, source: 'answer' | 'lookup'): OutcomeNews {
    const sourceId = source === 'lookup' ? newId('lu') : submissionId;
    return {
      submissionId,
      outcome: toldOf(submissionId, outcome),
      source,
      sourceId,
      backOffMs: 60_000,
      watchMs: 60_000,
    };
  }

  async function atOnce(payout: Payout, submissionId: string, news: OutcomeNews): Promise<StandingRow | null> {
    const submission = (await listSubmissions(world.pool, payout.id)).find(({ id }) => id === submissionId);
    return await mergeAtOnce(world.pool, { payout, submission: submission! }, news);
  }

  async function underLock(payoutId: string, news: OutcomeNews): Promise<Payout> {
    return await withTransaction(world.pool, async (trx) => {
      const { submissionId, outcome } = news;
      const seen = {
        payoutId,
        submissionId,
        verdict: 'settled',
        providerReference: transactionOf(submissionId),
        rowsSeen: 1,
      } as const;
      const sourceId = news.source === 'lookup' ? await insertLookUp(trx, seen) : submissionId;
      return await applyOutcome(trx, await lockPayout(trx, payoutId), { ...news, outcome, sourceId });
    });
  }

  const everything = (id: string): Promise<object> => everythingOf(world.pool, id);

  /** Equal for two payouts to which the same happened. */
  async function happened(id: string): Promise<unknown> {
    const shown = JSON.stringify(await everything(id));
    return JSON.parse(
      shown
        .replaceAll(id.slice(3), '…')
        .replace(/(sub|lu)_[0-9A-Za-z]+/g, '$1')
        .replace(/MP[0-9A-Za-z]{6}"/g, 'MP"')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)/g, 'time')
        .replace(/"(id|recipient_msisdn|customer_enc)":("[^"]*"|\d+|null)/g, '"$1":""'),
    );
  }

  /** Two that were read one after the other are equal. */
  function inSeconds(position: Position): Position {
    const { settleInMs } = position;
    return { ...position, settleInMs: settleInMs && Math.round(settleInMs / 1_000) };
  }

  test.each(PLAIN)('%s, %s: does what is done under the lock (%#)', async (state, outcome, told, source) => {
    const one = await stand(state, outcome);
    const other = await stand(state, outcome);
    const moved = await atOnce(one.payout, one.sub, newsOf(one.sub, told, source));
    await underLock(other.payout.id, newsOf(other.sub, told, source));

    const settings = { sendByMarginMs: 0, pollAtOnceMs: 0 };
    const read = await readPosition(world.pool, one.payout.id, settings);
    expect(inSeconds(positionInRow(moved!, settings)!)).toEqual(inSeconds(read));
    expect(moved?.state).toBe(told === ACCEPTED ? 'pending' : 'succeeded');
    expect(await happened(one.payout.id)).toEqual(await happened(other.payout.id));
    const outbox = told === ACCEPTED ? null : [{ object_version: moved?.version }];
    expect(await happened(one.payout.id)).toMatchObject({ outbox });
  });

  test.each([
    ['processing', null, REJECTED, 'answer'],
    ['processing', null, UNKNOWN, 'answer'],
    ['pending', 'accepted', REJECTED, 'lookup'],
    ['pending', 'accepted', ACCEPTED, 'lookup'],
    ['in_review', 'unknown', SETTLED, 'lookup'],
    ['failed', 'rejected', SETTLED, 'lookup'],
    ['succeeded', 'settled', SETTLED, 'lookup'],
  ] as const)('%s, %s: is left to the lock where it is not plain (%#)', async (state, outcome, told, source) => {
    const { payout, sub } = await stand(state, outcome);
    const before = await everything(payout.id);
    expect(await atOnce(payout, sub, newsOf(sub, told, source))).toBeNull();
    expect(await everything(payout.id)).toEqual(before);
  });

  test('of an older version nothing is written', async () => {
    const { payout, sub } = await stand('pending', 'accepted');
    await world.pool.query('update payouts set version = version + 1 where id = $1', [payout.id]);
    const before = await everything(payout.id);
    expect(await atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup'))).toBeNull();
    expect(await everything(payout.id)).toEqual(before);
  });

  test('beside another submission nothing is written', async () => {
    const { payout, sub } = await stand('pending', 'accepted');
    await insertSubmissionBySql(world.pool, { payoutId: payout.id, attempt: 2, outcome: 'unknown' });
    const before = await everything(payout.id);
    expect(await atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup'))).toBeNull();
    expect(await everything(payout.id)).toEqual(before);
  });

  test('by a transaction that proves another submission nothing is written', async () => {
    const other = await stand('pending', 'settled');
    const { payout, sub } = await stand('pending', 'accepted');
    const before = await everything(payout.id);
    const outcome = { ...SETTLED, providerReference: transactionOf(other.sub) };
    const news = { ...newsOf(sub, SETTLED, 'lookup'), outcome };
    expect(await atOnce(payout, sub, news)).toBeNull();
    expect(await everything(payout.id)).toEqual(before);
  });

  test('over another outcome than the one that was read nothing is written', async () => {
    const { payout, sub } = await stand('pending', 'accepted');
    const before = await everything(payout.id);
    const submission = { id: sub, outcome: null, everUnknown: false, providerReference: null };
    expect(await mergeAtOnce(world.pool, { payout, submission }, newsOf(sub, SETTLED, 'lookup'))).toBeNull();
    expect(await everything(payout.id)).toEqual(before);
  });

  test.each([
    ['moved', 'version = version + 1', false],
    ['noted something of', 'take_ups = take_ups + 1', true],
  ])('waits for who has the row; who has %s it meanwhile is respected', async (_, change, isMerged) => {
    const { payout, sub } = await stand('pending', 'accepted');
    let merging: Promise<StandingRow | null> = Promise.resolve(null);
    await withTransaction(world.pool, async (trx) => {
      await trx.query(`update payouts set ${change} where id = $1`, [payout.id]);
      merging = atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup'));
      await eventually('it waits', async () => (await listLockWaiters(world.pool, '%locked as%')).length > 0);
    });
    expect((await merging)?.state).toBe(isMerged ? 'succeeded' : undefined);
    const { rows } = await world.pool.query('select 1 from look_ups where payout_id = $1', [payout.id]);
    expect(rows).toHaveLength(isMerged ? 1 : 0);
  });

  test('of many that tell the same at once, one moves the payout and the hold is captured once', async () => {
    for (let again = 0; again < 10; again += 1) {
      const { payout, sub } = await stand('pending', 'accepted');
      const told = await Promise.all([
        atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup')),
        underLock(payout.id, newsOf(sub, SETTLED, 'lookup')).then(() => null),
        atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup')),
        atOnce(payout, sub, newsOf(sub, SETTLED, 'lookup')),
      ]);
      expect(told.filter((moved) => moved !== null).length).toBeLessThanOrEqual(1);
      expect((await world.payout(payout.id)).state).toBe('succeeded');
      const { rows } = await world.pool.query<{ kind: string }>(
        "select kind from ledger_entries where payout_id = $1 and kind <> 'hold'",
        [payout.id],
      );
      expect(rows).toEqual([{ kind: 'capture' }]);
    }
  });

  describe('the answer of a money call', () => {
    async function answer(asLeft: Payout, submissionId: string, outcome: Outcome): Promise<string[]> {
      const said: string[] = [];
      const pool = aroundStatements(world.pool, async ({ sql }, run) => {
        said.push(sql.trim().split(/\s/)[0] ?? '');
        return await run();
      });
      await recordAnswer(pool, {
        ...{ payoutId: asLeft.id, submissionId, asLeft, outcome, probe: false },
        account: { provider: 'orange', environment: 'sandbox', accountNumber: ACCOUNT },
        pinFingerprint: world.vault.fingerprintPin('orange', ACCOUNT, PIN),
        backOff: { firstMs: 100, maxMs: 100 },
        watchMs: 60_000,
      });
      return said;
    }

    test('is one statement where it is plain', async () => {
      const { payout, sub } = await stand('processing', null);
      expect(await answer(payout, sub, ACCEPTED)).toEqual(['with']);
      expect((await world.payout(payout.id)).state).toBe('pending');
    });

    test.each([
      ['a refusal', REJECTED, 'failed'],
      ['an answer that says nothing', UNKNOWN, 'unknown'],
    ])('is merged under the lock where it is %s', async (_, outcome, state) => {
      const { payout, sub } = await stand('processing', null);
      expect(await answer(payout, sub, outcome)).toContain('begin');
      expect((await world.payout(payout.id)).state).toBe(state);
    });

    test('is merged under the lock where the payout was given up as unknown meanwhile', async () => {
      const { payout, sub } = await stand('processing', null);
      await world.pool.query(
        "update submissions set outcome = 'unknown', source = 'recovery', source_id = id where id = $1",
        [sub],
      );
      await world.pool.query("update payouts set state = 'unknown', version = version + 1 where id = $1", [payout.id]);
      expect(await answer(payout, sub, SETTLED)).toContain('begin');
      expect((await world.payout(payout.id)).state).toBe('succeeded');
      expect((await listSubmissions(world.pool, payout.id))[0]).toMatchObject({ source: 'late_answer' });
    });

    test('is written again, and changes nothing, where its first commit was not answered', async () => {
      const { payout, sub } = await stand('processing', null);
      await answer(payout, sub, SETTLED);
      const before = await everything(payout.id);
      expect(await answer(payout, sub, SETTLED)).toContain('begin');
      expect(await everything(payout.id)).toEqual(before);
    });
  });
});
