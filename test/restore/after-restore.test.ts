import { randomUUID } from 'node:crypto';

import { pino } from 'pino';

import { createProviderAccess } from '../../src/activities/provider-access';
import { createRequestBudget } from '../../src/activities/request-budget';
import { cancelPayout } from '../../src/db/cancel-payout';
import { newId } from '../../src/db/ids';
import { beginRestore } from '../../src/db/restores';
import { retryPayout } from '../../src/db/retry-payout';
import { insertStop } from '../../src/db/stops';
import { reconcile } from '../../src/restore/reconcile';
import type { RestoreDeps } from '../../src/restore/restore-deps';
import { createPayoutEvidence } from '../../src/temporal/payout-evidence';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { createOperatorsDesk } from '../ops/operators-desk';
import { backUpDatabase } from '../helpers/postgres';

/** What each payout was when the copy was made, and what became of it in the time that was lost. */
const CASES = {
  paid: 'success',
  paidAndHidden: 'hidden_row',
  refusedThenPaid: 'payer_balance_once',
  stopped: 'success',
  scheduled: 'success',
  neverStarted: 'success',
  unknown: 'lost_unmoved',
  retried: 'customer_unknown',
  lost: 'success',
  lostAndRepeatedAtOnce: 'success',
} as const;

type Case = keyof typeof CASES;

describe('a database that went back in time, in the middle of a run', () => {
  let world: PayoutWorld;
  let deps: RestoreDeps;
  const ids = {} as Record<Case, string>;
  const recipients = {} as Record<Case, string>;
  const early = { cancel: '', credited: 0n };
  let report: Readonly<Record<string, number>> | null;

  beforeAll(async () => {
    // What is unknown stays so as long as the tests take.
    world = await createPayoutWorld({ settings: { settlementWindowMs: 600_000 } });
    deps = restoreDeps(world);
    for (const name of Object.keys(CASES) as Case[]) {
      ids[name] = newId('po');
      recipients[name] = world.recipientOf(CASES[name]);
    }
    const accept = (name: Case, scheduledAt?: Date): Promise<string> =>
      world.accept({ id: ids[name], recipient: recipients[name], ...(scheduledAt ? { scheduledAt } : {}) });
    const before = await world.startWorkers();

    // The copy is made while some are under way and some wait.
    for (const name of ['paid', 'paidAndHidden', 'refusedThenPaid', 'stopped', 'neverStarted'] as const) {
      await accept(name);
    }
    await accept('scheduled', new Date(Date.now() + 3_600_000));
    await accept('unknown');
    await accept('retried');
    for (const name of ['scheduled', 'unknown', 'retried'] as const) await world.startRun(ids[name]);
    await world.untilState(ids.unknown, 'unknown');
    await world.untilState(ids.retried, 'failed');
    const backup = await backUpDatabase(world.databaseUrl);

    // The hour that is lost.
    await insertStop(world.pool, { scope: 'payout', target: ids.stopped, reason: 'test', personId: 'per_one' });
    await accept('lost');
    await accept('lostAndRepeatedAtOnce');
    await retry(world, ids.retried);
    const carried = ['paid', 'paidAndHidden', 'refusedThenPaid', 'stopped', 'lost', 'lostAndRepeatedAtOnce', 'retried'];
    for (const name of carried as Case[]) await world.startRun(ids[name]);
    await world.untilState(ids.paid, 'succeeded');
    await world.untilState(ids.lost, 'succeeded');
    await world.untilState(ids.lostAndRepeatedAtOnce, 'succeeded');
    await world.untilState(ids.refusedThenPaid, 'succeeded');
    await world.untilState(ids.paidAndHidden, 'unknown');
    await world.untilState(ids.retried, 'failed');
    await eventually('one was stopped', async () => {
      return (await world.payout(ids.stopped)).reason === 'stopped_by_operations';
    });
    await before.close();
    await backup.restore();

    // Back: every process is started after the restore was opened, and runs are taken up before it is reconciled.
    await beginRestore(world.pool, null);
    await world.startWorkers();
    for (const name of ['paid', 'paidAndHidden', 'refusedThenPaid', 'stopped', 'scheduled', 'unknown'] as const) {
      await world.startRun(ids[name]);
    }
    await eventually('a run was held back', async () => (await world.payout(ids.paid)).reason === 'after_restore');
    await accept('lostAndRepeatedAtOnce');
    await world.startRun(ids.lostAndRepeatedAtOnce);
    const cancel = { payoutId: ids.paid, actor: 'system', reason: 'cancelled_by_merchant' } as const;
    early.cancel = (await cancelPayout(world.pool, cancel)).result;
    early.credited = await world.credited(recipients.paid);
    report = await reconcile(deps);
  });
  afterAll(() => world.close());

  test('nothing is sent, cancelled or decided before it is reconciled', () => {
    expect(early).toEqual({ cancel: 'restoring', credited: 1_000n });
    expect(report).toMatchObject({ strangers: 2, reviews: 1 });
  });

  test('what was paid in the lost time is found, and not paid again', async () => {
    await world.untilState(ids.paid, 'succeeded');
    await world.untilState(ids.refusedThenPaid, 'succeeded');
    expect(await world.credited(recipients.paid)).toBe(1_000n);
    expect(await world.credited(recipients.refusedThenPaid)).toBe(1_000n);
  });

  test('what the provider never shows is unknown, since the engine saw that it was sent', async () => {
    expect((await world.payout(ids.paidAndHidden)).state).toBe('unknown');
    expect((await world.submissions(ids.paidAndHidden)).map(({ outcome }) => outcome)).toEqual(['unknown']);
    expect(await world.credited(recipients.paidAndHidden)).toBe(1_000n);
  });

  test('what the engine saw unsent is sent, once, under a number that was not used', async () => {
    await world.untilState(ids.stopped, 'succeeded');
    expect(await world.credited(recipients.stopped)).toBe(1_000n);
    expect((await world.submissions(ids.stopped)).map(({ attempt, kind }) => [attempt, kind])).toEqual([
      [1, 'void'],
      [2, 'call'],
    ]);
  });

  test('what waits for its time waits on; what nobody knows anything of is for people', async () => {
    expect((await world.payout(ids.scheduled)).state).toBe('scheduled');
    expect((await world.payout(ids.neverStarted)).state).toBe('in_review');
    expect((await world.payout(ids.unknown)).state).toBe('unknown');
  });

  test('a failed payout that was retried in the lost time cannot be retried until that attempt is proven', async () => {
    expect((await world.submissions(ids.retried)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'rejected'],
      [2, 'unknown'],
    ]);
    expect(await retry(world, ids.retried)).toBe('unproven_submission');
  });

  test('a payout that the database lost is a question for people, and not sent again when its merchant repeats it', async () => {
    const { rows } = await world.pool.query<{ found_by: string; payout_id: string }>(
      'select found_by, payout_id from strangers order by found_by',
    );
    expect(rows).toEqual([
      { found_by: 'engine', payout_id: ids.lost },
      { found_by: 'provider', payout_id: ids.lost },
    ]);
    await world.accept({ id: ids.lost, recipient: recipients.lost });
    await world.startRun(ids.lost);
    const repeated = await world.untilState(ids.lost, 'in_review');
    expect(repeated.reason).toBe('lost_by_restore');
    expect(await world.credited(recipients.lost)).toBe(1_000n);
  });

  test('strangers stand among the open questions, and an operator closes them with evidence', async () => {
    const desk = createOperatorsDesk(world);
    const { printed } = await desk.run('reviews', '');
    const items = printed.flatMap(
      (line) => /^(rev_\w+) +stranger +(?:the engine carried|orange shows) /.exec(line)?.[1] ?? [],
    );
    expect(items).toHaveLength(2);
    expect((await desk.run('reviews', `close ${items[0]!}`)).refused).toContain('evidence');
    for (const item of items) {
      expect((await desk.run('reviews', `close ${item} --evidence told`)).printed).toEqual([`closed: ${item}`]);
    }
    expect((await desk.run('reviews', `close ${items[0]!} --evidence again`)).refused).toContain('no open question');
  });

  test('one that its merchant repeats before the reconciliation is found paid', async () => {
    await world.untilState(ids.lostAndRepeatedAtOnce, 'succeeded');
    expect(await world.credited(recipients.lostAndRepeatedAtOnce)).toBe(1_000n);
  });

  test('no money was made: the provider’s ledger has one credit for each that was paid, and ours sums to zero', async () => {
    const credits = await Promise.all((Object.keys(CASES) as Case[]).map((name) => world.credited(recipients[name])));
    expect(credits.filter((credit) => credit > 1_000n)).toEqual([]);
    const sum = Object.values(await world.balances()).reduce((total, balance) => total + balance, 0n);
    expect(sum).toBe(0n);
  });

  test('it is released once, and reconciling again finds nothing to do', async () => {
    expect(await reconcile(deps)).toBeNull();
  });
});

async function retry(world: PayoutWorld, payoutId: string): Promise<string> {
  const payout = await world.payout(payoutId);
  const key = { merchantId: world.merchantId, environment: 'sandbox', operation: 'retry', key: randomUUID() } as const;
  const binding = { fieldHashes: {}, answerEnc: Buffer.alloc(0) };
  return await retryPayout(world.pool, { payout, actor: 'system', at: new Date(), key, binding });
}

function restoreDeps(world: PayoutWorld): RestoreDeps {
  const { pool, vault, providers, settings } = world;
  const budget = createRequestBudget({ pool, requestsPerMinute: null, patienceMs: 1_000 });
  const access = createProviderAccess({
    ...{ pool, budget, providers, sealing: vault },
    fingerprintPin: (...pin: [string, string, string]) => vault.fingerprintPin(...pin),
  });
  const engine = createPayoutEvidence(world.client, world.taskQueuePrefix);
  return { pool, settings, access, budget, engine, logger: pino({ level: process.env['TEST_LOG'] ?? 'silent' }) };
}
