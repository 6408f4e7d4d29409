import { newId } from '../../src/db/ids';
import type { Db } from '../../src/db/pool';
import type { Outcome, SubmissionOutcome } from '../../src/domain/outcome';
import type { PayoutState } from '../../src/domain/payout-state';
import type { PayoutWorld } from './payout-world';
import { operatorKeyOf } from './persons';

/** How to get from `queued` to a state, by transitions that PostgreSQL lets pass without a submission. */
const WAY_TO: Readonly<Partial<Record<PayoutState, readonly PayoutState[]>>> = {
  queued: [],
  processing: ['processing'],
  pending: ['processing', 'pending'],
  unknown: ['processing', 'unknown'],
  in_review: ['in_review'],
  succeeded: ['in_review', 'succeeded'],
  failed: ['processing', 'failed'],
  cancelled: ['cancelled'],
  returned: ['in_review', 'succeeded', 'returned'],
};

export interface StandingPayout {
  id: string;
  /** Their ids, in the order of the outcomes asked for; one attempt each. */
  submissions: readonly string[];
}

/**
 * A payout that stands in a state with submissions of these outcomes, its hold as that state has it; written by SQL, so
 * that sets of outcomes can be tried that the product itself never leaves behind.
 */
export async function standPayout(
  world: PayoutWorld,
  payout: { state: PayoutState; outcomes?: readonly SubmissionOutcome[]; sendBy?: Date },
): Promise<StandingPayout> {
  const id = await world.accept();
  for (const state of WAY_TO[payout.state] ?? []) await moveBySql(world.pool, id, state);
  const submissions: string[] = [];
  for (const outcome of payout.outcomes ?? []) {
    const attempt = submissions.length + 1;
    submissions.push(await insertSubmissionBySql(world.pool, { payoutId: id, attempt, outcome, ...payout }));
  }
  if (submissions.length > 1) {
    await world.pool.query('update payouts set attempt = $2 where id = $1', [id, submissions.length]);
  }
  return { id, submissions };
}

/** Moves a payout by a bare UPDATE with what the state needs beside it: a confirmed decision, its hold's end. */
async function moveBySql(db: Db, id: string, to: PayoutState): Promise<void> {
  if (to === 'succeeded') await confirmBySql(db, id);
  await db.query('update payouts set state = $2, version = version + 1 where id = $1', [id, to]);
  if (to === 'succeeded') await db.query("select capture_hold($1, $1 || '/by-sql')", [id]);
  if (to === 'failed' || to === 'cancelled') await db.query('select release_hold($1)', [id]);
  if (to === 'returned') await db.query('select book_return($1)', [id]);
}

/** A decision about the payout as it stands, confirmed by another person. Returns its id. */
export async function confirmBySql(db: Db, payoutId: string): Promise<string> {
  const id = newId('dec');
  await db.query(
    `insert into decisions (id, payout_id, resolution, evidence_enc, payout_version, proposed_by)
     select $1, id, 'paid', '', version, 'per_one' from payouts where id = $2`,
    [id, payoutId],
  );
  for (const person of ['per_one', 'per_two']) {
    await db.query('insert into decision_votes (decision_id, key_id) values ($1, $2)', [id, operatorKeyOf(person)]);
  }
  await db.query("update decisions set confirmed_by = 'per_two', confirmed_at = now() where id = $1", [id]);
  return id;
}

export async function insertSubmissionBySql(
  db: Db,
  submission: { payoutId: string; attempt: number; outcome: SubmissionOutcome; sendBy?: Date },
): Promise<string> {
  const id = newId('sub');
  const { outcome } = submission;
  const isVoid = outcome === 'void';
  await db.query(
    `insert into submissions (id, payout_id, attempt, call, hold_no, kind, provider, credential_id, account_number,
       amount, currency, send_by, outcome)
     select $1, payout.id, $3, 1, hold_no, $4, payout.provider, credential_id, account_number, amount, currency, $5, $6
     from payouts payout join credentials on credentials.id = credential_id where payout.id = $2`,
    [
      id,
      submission.payoutId,
      submission.attempt,
      isVoid ? 'void' : 'call',
      submission.sendBy ?? new Date(Date.now() - 60_000),
      isVoid ? 'void' : null,
    ],
  );
  if (!isVoid && outcome !== null) {
    await db.query(
      `update submissions set outcome = $2, source = 'answer', source_id = id, rejection = $3, provider_reference = $4
       where id = $1`,
      [
        id,
        outcome,
        outcome === 'rejected' ? 'final' : null,
        outcome === 'accepted' || outcome === 'settled' ? transactionOf(id) : null,
      ],
    );
  }
  return id;
}

/** The provider's transaction of a submission that was written by SQL. */
export function transactionOf(submissionId: string): string {
  return `MP${submissionId.slice(-6)}`;
}

/** An outcome as it is told of a submission: by the transaction of that one. */
export function toldOf(submissionId: string, outcome: Outcome): Outcome {
  return 'providerReference' in outcome ? { ...outcome, providerReference: transactionOf(submissionId) } : outcome;
}

/** The SQLSTATE that PostgreSQL refuses a statement with, or `done` where it does not. */
export async function refusal(statement: Promise<unknown>): Promise<string> {
  return await statement.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}

/** All that a payout's history, money and messages consist of, by kind; equal where nothing happened. */
export async function everythingOf(db: Db, payoutId: string): Promise<Record<string, unknown>> {
  const { rows } = await db.query<{ all: Record<string, unknown> }>(
    `select jsonb_build_object('payout', to_jsonb(payout),
       'events', (select jsonb_agg(to_jsonb(e) order by sequence) from payout_events e where payout_id = payout.id),
       'submissions', (select jsonb_agg(to_jsonb(s) order by id) from submissions s where payout_id = payout.id),
       'outcomes', (select jsonb_agg(to_jsonb(o) order by outcome) from submission_outcomes o
         join submissions s on s.id = o.submission_id where s.payout_id = payout.id),
       'lookUps', (select jsonb_agg(to_jsonb(l) order by id) from look_ups l where payout_id = payout.id),
       'holds', (select jsonb_agg(to_jsonb(h) order by hold_no) from holds h where payout_id = payout.id),
       'ledger', (select jsonb_agg(to_jsonb(l) order by id) from ledger_entries l where payout_id = payout.id),
       'outbox', (select jsonb_agg(to_jsonb(o) order by event_id) from outbox o where payout_id = payout.id),
       'reviews', (select jsonb_agg(to_jsonb(r)) from review_items r where payout_id = payout.id)) as all
     from payouts payout where id = $1`,
    [payoutId],
  );
  if (!rows[0]) throw new Error(`payout ${payoutId} does not exist`);
  return rows[0].all;
}
