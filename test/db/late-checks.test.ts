import {
  checkLateAtOnce,
  claimDueLateChecks,
  readLateRound,
  readOverdueLateChecks,
  recordLateChecks,
} from '../../src/db/late-checks';
import { recoverSubmission } from '../../src/db/recover-submission';
import { lockPayout } from '../../src/db/payout-rows';
import { withTransaction } from '../../src/db/transaction';
import type { SubmissionOutcome } from '../../src/domain/outcome';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { confirmBySql, standPayout } from '../helpers/standing-payout';

const HOUR = 3_600_000;

let world: PayoutWorld;
beforeAll(async () => {
  world = await createPayoutWorld();
});
afterEach(() => world.pool.query('delete from late_checks'));
afterAll(() => world.close());

interface Row {
  submission_id: string;
  once: boolean;
  /** Minutes until it is due. */
  due: number;
}

async function lateChecks(): Promise<readonly Row[]> {
  const { rows } = await world.pool.query<Row>(
    `select submission_id, once, round(extract(epoch from next_late_check_at - clock_timestamp()) / 60)::int as due
     from late_checks order by submission_id`,
  );
  return rows;
}

/** As an answer of the provider is written. */
async function write(submissionId: string, outcome: 'rejected' | 'settled' | 'not_sent' | 'accepted'): Promise<void> {
  const rejection = outcome === 'rejected' ? 'throttled' : null;
  await world.pool.query(
    `update submissions set outcome = $2, rejection = $3, source = 'answer', source_id = id where id = $1`,
    [submissionId, outcome, rejection],
  );
}

describe('a late check is begun', () => {
  test.each([
    ['rejected', [{ once: false, due: 1 }]],
    ['settled', [{ once: true, due: 360 }]],
    ['accepted', []],
    ['not_sent', []],
  ] as const)('of a call that is %s, whatever becomes of its payout', async (outcome, begun) => {
    const { submissions } = await standPayout(world, { state: 'processing', outcomes: [null, null] });
    await write(submissions[0]!, outcome);
    expect(await lateChecks()).toEqual(begun.map((row) => ({ submission_id: submissions[0], ...row })));
  });

  test('of a call that is still open when its payout is paid by another', async () => {
    const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown', 'settled'] });
    await world.pool.query('delete from late_checks');
    await world.pool.query("update payouts set state = 'succeeded', version = version + 1 where id = $1", [id]);
    expect(await lateChecks()).toEqual([{ submission_id: submissions[0], once: false, due: 1 }]);
  });

  test('of the call whose money came back', async () => {
    const { id, submissions } = await standPayout(world, { state: 'succeeded', outcomes: ['settled'] });
    expect(await lateChecks()).toMatchObject([{ once: true }]);
    await world.pool.query("update payouts set state = 'returned', version = version + 1 where id = $1", [id]);
    expect(await lateChecks()).toEqual([{ submission_id: submissions[0], once: false, due: 1 }]);
  });

  test('of a call that two persons called unpaid', async () => {
    const { id, submissions } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
    const decisionId = await confirmBySql(world.pool, id);
    await world.pool.query(
      `update submissions set outcome = 'rejected', rejection = 'final', source = 'decision', source_id = $2 where id = $1`,
      [submissions[0], decisionId],
    );
    expect(await lateChecks()).toEqual([{ submission_id: submissions[0], once: false, due: 1 }]);
  });

  test('of a call of a final payout that the database had lost', async () => {
    const { id } = await standPayout(world, { state: 'failed' });
    await withTransaction(world.pool, async (trx) => {
      const payout = await lockPayout(trx, id);
      const call = { attempt: 1, call: 1, evidence: 'provider:T1' };
      await recoverSubmission(trx, payout, call, { settlementWindowMs: HOUR, watchMs: HOUR });
    });
    const [submission] = await world.submissions(id);
    expect(await lateChecks()).toEqual([{ submission_id: submission?.id, once: false, due: 1 }]);
  });
});

describe('a late check ends', () => {
  /** A call whose outcome was learnt so many hours ago, due now. */
  async function due(outcome: SubmissionOutcome, hoursAgo: number): Promise<string> {
    const { submissions } = await standPayout(world, { state: 'unknown', outcomes: [outcome] });
    await world.pool.query(
      `update late_checks set since = clock_timestamp() - $2 * interval '1 hour', next_late_check_at = clock_timestamp()
       where submission_id = $1`,
      [submissions[0], hoursAgo],
    );
    return submissions[0]!;
  }

  /** A complete round over what is due. */
  async function round(): Promise<void> {
    const { startedAt, checks } = await readLateRound(world.pool, world.credentialId);
    const submissionIds = checks.map(({ submission }) => submission.id);
    await recordLateChecks(world.pool, { submissionIds, startedAt, windowMs: 24 * HOUR });
  }

  test('for a success with its one search', async () => {
    await due('settled', 6);
    await round();
    expect(await lateChecks()).toEqual([]);
  });

  test('for a refusal only with a complete round after the end of its time, and its gaps grow until then', async () => {
    const [fresh, old, last, over] = [
      await due('rejected', 0),
      await due('rejected', 10),
      await due('rejected', 23.9),
      await due('rejected', 24.1),
    ];
    await round();
    const left = new Map((await lateChecks()).map((row) => [row.submission_id, row.due]));
    expect([...left.keys()].toSorted()).toEqual([fresh, old, last].toSorted());
    expect(left.get(fresh)).toBeLessThanOrEqual(10);
    expect(left.get(old)).toBeGreaterThanOrEqual(149);
    expect(left.get(old)).toBeLessThanOrEqual(155);
    // Its last round is right after its end, not a quarter of its age later.
    expect(left.get(last)).toBeGreaterThanOrEqual(6);
    expect(left.get(last)).toBeLessThanOrEqual(11);
    expect(left.has(over)).toBe(false);
  });

  test('by no round that began before it was due anew', async () => {
    const [paid, refused] = [await due('settled', 6), await due('rejected', 30)];
    const { startedAt } = await readLateRound(world.pool, world.credentialId);
    const { rows } = await world.pool.query<{ payout_id: string }>('select payout_id from submissions where id = $1', [
      paid,
    ]);
    await checkLateAtOnce(world.pool, rows[0]!.payout_id);
    await world.pool.query('update late_checks set since = clock_timestamp() where submission_id = $1', [refused]);
    await recordLateChecks(world.pool, { submissionIds: [paid, refused], startedAt, windowMs: 24 * HOUR });
    const { checks } = await readLateRound(world.pool, world.credentialId);
    // What was reported to us comes first.
    expect(checks.map(({ submission }) => submission.id)).toEqual([paid, refused]);
  });

  test('by no round of those that no credential can ask for any more: they become overdue', async () => {
    const sub = await due('rejected', 30);
    await world.pool.query("update credentials set account_number = '789999999' where id = $1", [world.credentialId]);
    try {
      const { checks } = await readLateRound(world.pool, world.credentialId);
      expect(checks.map(({ submission, credentialId }) => [submission.id, credentialId])).toEqual([[sub, null]]);
      expect(await readOverdueLateChecks(world.pool, 0)).toMatchObject([{ subject: 'orange' }]);
      expect(await readOverdueLateChecks(world.pool, HOUR)).toEqual([]);
    } finally {
      await world.pool.query("update credentials set account_number = '781234567' where id = $1", [world.credentialId]);
    }
  });
});

test('an account of two credentials has one round at a time, in which both are asked about', async () => {
  await world.pool.query(
    `insert into credentials (id, merchant_id, environment, provider, operator, transaction_type, role, account_number,
       id_type, secret_enc, pin_enc)
     select 'cred_backup', merchant_id, environment, provider, operator, transaction_type, 'backup', account_number,
       id_type, secret_enc, pin_enc from credentials where id = $1`,
    [world.credentialId],
  );
  const { submissions } = await standPayout(world, { state: 'unknown', outcomes: ['rejected', 'rejected'] });
  await world.pool.query(`update late_checks set next_late_check_at = clock_timestamp()`);
  await world.pool.query(`update late_checks set credential_id = 'cred_backup' where submission_id = $1`, [
    submissions[0],
  ]);
  const lease = { limit: 10, recheckMs: HOUR };
  await world.pool.query("update credentials set late_checks_after = '-infinity'");
  const claims = await Promise.all([1, 2, 3].map(() => claimDueLateChecks(world.pool, lease)));
  const [first] = [world.credentialId, 'cred_backup'].toSorted();
  expect(claims.flat()).toEqual([{ credentialId: first, provider: 'orange' }]);
  const { checks } = await readLateRound(world.pool, first!);
  expect(checks.map(({ submission }) => submission.id).toSorted()).toEqual([...submissions].toSorted());
  expect(new Set(checks.map(({ credentialId }) => credentialId))).toEqual(new Set([first]));

  // Reported: not only when the lease ends.
  const { rows } = await world.pool.query<{ payout_id: string }>('select payout_id from submissions where id = $1', [
    submissions[0],
  ]);
  expect(await claimDueLateChecks(world.pool, lease)).toEqual([]);
  await checkLateAtOnce(world.pool, rows[0]!.payout_id);
  expect(await claimDueLateChecks(world.pool, lease)).toHaveLength(1);
});
