import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';

import { readLateRound } from '../../src/db/late-checks';
import { PAYOUT_PROGRESS_QUERY, payoutWorkflowId } from '../../src/workflows/contract';
import type { PayoutProgress } from '../../src/workflows/contract';
import { eventually } from '../helpers/eventually';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { searchLate } from '../helpers/search-late';
import { insertSubmissionBySql, standPayout } from '../helpers/standing-payout';

const DAY = 24 * 3_600_000;

/** What the product itself never leaves behind is written by SQL: only so do PostgreSQL's guards refuse an undo of ours. */
describe('an undo that PostgreSQL refuses', () => {
  let world: PayoutWorld;
  const logged: string[] = [];

  beforeAll(async () => {
    const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
    world = await createPayoutWorld({ logger });
  });
  afterAll(() => world.close());

  async function questions(id: string): Promise<readonly { kind: string; detail: string }[]> {
    const { rows } = await world.pool.query<{ kind: string; detail: string }>(
      'select kind, detail from review_items where payout_id = $1 and closed_at is null',
      [id],
    );
    return rows;
  }

  async function holdOf(id: string): Promise<unknown> {
    const { rows } = await world.pool.query<{ closed_by: string | null }>(
      'select closed_by from holds where payout_id = $1',
      [id],
    );
    return rows[0]?.closed_by;
  }

  function alarms(id: string): readonly unknown[] {
    return logged.map((line) => JSON.parse(line) as { payoutId?: string }).filter(({ payoutId }) => payoutId === id);
  }

  test('of a release that is not proven: alarms, keeps the hold and goes to people', async () => {
    const { id } = await standPayout(world, { state: 'queued', outcomes: ['unknown'] });
    await expect(world.activities.cancelFromRun(id)).resolves.toMatchObject({
      state: 'in_review',
      step: 'await_decision',
    });
    expect(await questions(id)).toEqual([
      { kind: 'undo_refused', detail: expect.stringContaining('not proven unpaid') as string },
    ]);
    expect(await holdOf(id)).toBeNull();
    expect(alarms(id)).toMatchObject([{ level: 50, refusal: 'unproven_submission' }]);
  });

  test('of a hold that is closed already: alarms and goes to people', async () => {
    const { id } = await standPayout(world, { state: 'processing', outcomes: ['rejected'] });
    await world.pool.query("select capture_hold($1, 'by-sql')", [id]);
    await expect(world.activities.recoverAttempt({ payoutId: id, attempt: 1 })).resolves.toMatchObject({
      state: 'in_review',
    });
    expect(await questions(id)).toMatchObject([{ kind: 'undo_refused' }]);
    expect(alarms(id)).toMatchObject([{ level: 50, refusal: 'hold_closed' }]);
  });

  test('and then to freeze the payout too: the question stands, and nothing is tried again', async () => {
    const { id } = await standPayout(world, { state: 'queued', outcomes: ['unknown'] });
    await world.pool.query(
      `create function refuse_all() returns trigger language plpgsql as $$
       begin raise exception 'refused by the test' using errcode = 'CA003'; end $$;
       create trigger refuse_all before update on payouts for each row when (old.id = '${id}')
         execute function refuse_all()`,
    );
    await expect(world.activities.cancelFromRun(id)).rejects.toMatchObject({
      type: 'undo_refused',
      nonRetryable: true,
    });
    await expect(world.activities.cancelFromRun(id)).rejects.toMatchObject({ type: 'undo_refused' });
    expect(await questions(id)).toMatchObject([{ kind: 'undo_refused' }]);
    expect((await world.payout(id)).state).toBe('queued');
  });

  /** A payout whose answer was lost, which the provider shows paid, and of which PostgreSQL takes no news. */
  async function paidUnheard(): Promise<string> {
    const id = await world.accept({ recipient: world.recipientOf('lost_moved') });
    await world.activities.authenticate({ payoutId: id, attempt: 1 });
    await new MockActivityEnvironment().run(() =>
      world.activities.submitPayout({ payoutId: id, attempt: 1, tokenVersion: 1 }),
    );
    expect((await world.payout(id)).state).toBe('unknown');
    await world.pool.query(
      `create or replace function refuse_news() returns trigger language plpgsql as $$
       begin raise exception 'refused by the test' using errcode = 'CA004'; end $$;
       create or replace trigger refuse_news before update on submissions for each row when (old.payout_id = '${id}')
         execute function refuse_news()`,
    );
    return id;
  }

  test('of what a late check found: alarms and goes to people, and the check is made', async () => {
    const id = await paidUnheard();
    await searchLate(world, id);
    expect(await questions(id)).toEqual([{ kind: 'undo_refused', detail: 'refused by the test' }]);
    expect(alarms(id)).toMatchObject([{ level: 50, refusal: 'outcome_refused' }]);
    expect((await readLateRound(world.pool, world.credentialId)).checks).toEqual([]);
  });

  test('of what was found before a retry: alarms and goes to people, and the retry is not cleared', async () => {
    const id = await paidUnheard();
    expect(await world.activities.checkRetry(id)).toBe('unsure');
    expect(await questions(id)).toEqual([{ kind: 'undo_refused', detail: 'refused by the test' }]);
    expect(alarms(id)).toMatchObject([{ level: 50, refusal: 'outcome_refused' }]);
  });

  test('of what is found while it is unknown: alarms and goes to people instead of being asked for ever', async () => {
    const id = await paidUnheard();
    await expect(new MockActivityEnvironment().run(() => world.activities.lookUpPayout(id))).resolves.toMatchObject({
      state: 'in_review',
    });
    expect(alarms(id)).toMatchObject([{ level: 50, refusal: 'outcome_refused' }]);
  });

  test('in a run that is cancelled: the run does not try it for ever but waits for people', async () => {
    await world.startWorkers();
    const id = await world.accept({ scheduledAt: new Date(Date.now() + DAY) });
    await insertSubmissionBySql(world.pool, { payoutId: id, attempt: 1, outcome: 'unknown' });
    await world.startRun(id);
    const run = world.client.workflow.getHandle(payoutWorkflowId(id));
    await run.cancel();
    await world.untilState(id, 'in_review');
    await eventually('the run waits for people', async () => {
      const { step } = await run.query<PayoutProgress>(PAYOUT_PROGRESS_QUERY);
      return step === 'await_decision';
    });
    expect(await questions(id)).toMatchObject([{ kind: 'undo_refused' }]);
    expect(alarms(id)).toHaveLength(1);
  });
});
