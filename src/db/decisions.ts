import type { Pool } from 'pg';

import type { Outcome } from '../domain/outcome';
import { isProvenUnpaid } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { canMove, isFinalState } from '../domain/payout-state';
import type { PayoutState } from '../domain/payout-state';
import type { Resolution } from '../domain/review';
import type { Submission } from '../domain/submission';
import { canStandAlone, handOverDecided } from './decided-lines';
import { isVoteRefusal } from './errors';
import { newId } from './ids';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { nameProof, whyNotPaidBy } from './proofs';
import { isRestoring } from './restores';
import { closeReviewItems, hasOpenReviewItem } from './review-items';
import { listSubmissions, writeOutcome } from './submissions';
import { withTransaction } from './transaction';

/** Why a decision was not taken; says what the person may do instead. */
export class DecisionRefused extends Error {
  override readonly name = 'DecisionRefused';
}

export interface Proposal {
  payoutId: string;
  resolution: Resolution;
  /** Sealed evidence, purpose `evidence`. */
  evidenceEnc: Buffer;
  providerReference: string | null;
  /** The operator's key under which the vote is written: PostgreSQL reads the person from it. */
  keyId: string;
  /** SEND_BY_MARGIN_MS: until then after `send_by` a call without an outcome may still leave. */
  marginMs: number;
}

/** One person proposes; nothing changes until another one confirms. Returns the decision's id. */
export async function proposeDecision(pool: Pool, proposal: Proposal): Promise<string> {
  return await inVote(pool, async (trx) => {
    const payout = await lockPayout(trx, proposal.payoutId);
    await checkResolution(trx, payout, proposal);
    const id = newId('dec');
    const { rowCount } = await trx.query(
      `insert into decisions (id, payout_id, resolution, evidence_enc, provider_reference, payout_version, proposed_by)
       values ($1, $2, $3, $4, $5, $6, voter_of($7))
       on conflict (payout_id) where confirmed_at is null and withdrawn_at is null do nothing`,
      [
        id,
        payout.id,
        proposal.resolution,
        proposal.evidenceEnc,
        proposal.providerReference,
        payout.version,
        proposal.keyId,
      ],
    );
    if (rowCount !== 1) throw new DecisionRefused('another decision is proposed already: confirm or withdraw it first');
    await insertVote(trx, id, proposal.keyId);
    return id;
  });
}

/** What PostgreSQL says of a voter is for the one who voted. */
async function inVote<T>(pool: Pool, vote: (trx: Db) => Promise<T>): Promise<T> {
  try {
    return await withTransaction(pool, vote);
  } catch (error) {
    if (isVoteRefusal(error)) throw new DecisionRefused(error.message);
    throw error;
  }
}

/** A vote is a row of its own. PostgreSQL refuses a second one of the same person, and of a person who may not be the other vote. */
async function insertVote(trx: Db, decisionId: string, keyId: string): Promise<string> {
  const { rows } = await trx.query<{ person_id: string }>(
    'insert into decision_votes (decision_id, key_id) values ($1, $2) returning person_id',
    [decisionId, keyId],
  );
  if (!rows[0]) throw new Error('a vote gave no row');
  return rows[0].person_id;
}

/** Any person may withdraw an open decision; it names the one who did. */
export async function withdrawDecision(
  pool: Pool,
  { decisionId, personId }: { decisionId: string; personId: string },
): Promise<void> {
  const { rowCount } = await pool.query(
    `update decisions set withdrawn_at = clock_timestamp(), withdrawn_by = $2
     where id = $1 and confirmed_at is null and withdrawn_at is null`,
    [decisionId, personId],
  );
  if (rowCount !== 1) throw new DecisionRefused('there is no such open decision');
}

export interface Confirmation {
  decisionId: string;
  /** The operator's key under which the vote is written. */
  keyId: string;
  /** SEND_BY_MARGIN_MS: until then after `send_by` a call without an outcome may still leave. */
  marginMs: number;
  /** Milliseconds of the new settlement window of `keep_looking`. */
  windowMs: number;
  /** Milliseconds for which look-ups go on after `not_paid`. */
  watchMs: number;
}

interface DecisionRow {
  id: string;
  payout_id: string;
  resolution: Resolution;
  provider_reference: string | null;
  payout_version: number;
}

/**
 * Another person confirms, and the decision is carried out in the same transaction: submissions, state, hold, review
 * items. Refused where the payout changed or anything was learnt of it since the proposal, and where the person is the
 * one who proposed, under whatever key, or not independent of that one.
 */
export async function confirmDecision(pool: Pool, confirmation: Confirmation): Promise<Payout> {
  const { decisionId, keyId } = confirmation;
  return await inVote(pool, async (trx) => {
    const proposed = await findOpenDecision(trx, decisionId);
    // The payout first, like everybody else: a proposal holds it while it waits for an open decision's end.
    const payout = await lockPayout(trx, proposed.payout_id);
    const decision = await findOpenDecision(trx, decisionId);
    const personId = await insertVote(trx, decisionId, keyId);
    if (payout.version !== decision.payout_version || (await isOvertaken(trx, decisionId))) {
      throw new DecisionRefused('the payout has changed since the proposal: withdraw it and look again');
    }
    await checkResolution(trx, payout, {
      ...confirmation,
      resolution: decision.resolution,
      providerReference: decision.provider_reference,
    });
    const { rowCount } = await trx.query(
      `update decisions set confirmed_by = $2, confirmed_at = clock_timestamp()
       where id = $1 and confirmed_at is null and withdrawn_at is null`,
      [decisionId, personId],
    );
    if (rowCount !== 1) throw new DecisionRefused('there is no such open decision');
    const decided = await carryOut(trx, payout, decision, { ...confirmation, personId });
    await closeReviewItems(trx, payout.id, decisionId);
    // Its run, or a new one, reads the payout again; works with Temporal stopped.
    await trx.query('update payouts set nudged = true, sweep_after = clock_timestamp() where id = $1', [payout.id]);
    return decided;
  });
}

/** The payout that a decision is about, whatever became of it. */
export async function findDecidedPayout(pool: Pool, decisionId: string): Promise<string> {
  const { rows } = await pool.query<{ payout_id: string }>('select payout_id from decisions where id = $1', [
    decisionId,
  ]);
  if (!rows[0]) throw new DecisionRefused('there is no such decision');
  return rows[0].payout_id;
}

async function findOpenDecision(trx: Db, decisionId: string): Promise<DecisionRow> {
  const { rows } = await trx.query<DecisionRow>(
    'select * from decisions where id = $1 and confirmed_at is null and withdrawn_at is null',
    [decisionId],
  );
  if (!rows[0]) throw new DecisionRefused('there is no such open decision');
  return rows[0];
}

/** A payout in review is frozen while its submissions go on learning: what they learnt is not in its version. */
async function isOvertaken(trx: Db, decisionId: string): Promise<boolean> {
  const { rows } = await trx.query<{ overtaken: boolean }>(
    `select exists (
       select 1 from submissions submission join submission_outcomes news on news.submission_id = submission.id
       where submission.payout_id = decision.payout_id and news.at > decision.proposed_at
     ) or exists (
       select 1 from review_items where payout_id = decision.payout_id and opened_at > decision.proposed_at
     ) as overtaken
     from decisions decision where id = $1`,
    [decisionId],
  );
  return rows[0]?.overtaken ?? true;
}

const TARGET: Readonly<Record<Exclude<Resolution, 'dismiss'>, PayoutState>> = {
  paid: 'succeeded',
  not_paid: 'failed',
  keep_looking: 'unknown',
  send_again: 'queued',
  cancel: 'cancelled',
};

async function checkResolution(
  trx: Db,
  payout: Payout,
  { resolution, providerReference, marginMs }: Pick<Proposal, 'resolution' | 'providerReference' | 'marginMs'>,
): Promise<void> {
  if (await isRestoring(trx)) {
    throw new DecisionRefused('the database was restored: decide once it is reconciled with the providers');
  }
  if (resolution === 'dismiss') {
    if (payout.state === 'in_review') throw new DecisionRefused('a payout in review needs a decision on its state');
    if (!(await hasOpenReviewItem(trx, payout.id))) throw new DecisionRefused('no question is open about this payout');
    return;
  }
  const to = TARGET[resolution];
  const turnsFinal = resolution === 'paid' || resolution === 'not_paid';
  const turns = isFinalState(payout.state) && turnsFinal && canMove(payout.state, to);
  if (payout.state !== 'in_review' && !turns) {
    throw new DecisionRefused(`a payout that is ${payout.state} cannot be resolved as ${resolution}`);
  }
  const submissions = await listSubmissions(trx, payout.id);
  const open = submissions.filter(({ outcome }) => !isProvenUnpaid(outcome));
  if (resolution === 'paid') {
    const calls = submissions.filter(({ kind }) => kind === 'call');
    const why = await whyNotPaidBy(trx, payout, paidOne(calls, providerReference), providerReference);
    if (why !== null) throw new DecisionRefused(`paid is refused: ${why}`);
  }
  if (open.length > 0 && (resolution === 'send_again' || resolution === 'cancel')) {
    throw new DecisionRefused(`${resolution} is refused: ${open.length} submission(s) may have moved money`);
  }
  if (resolution === 'keep_looking' && !open.some(({ outcome }) => outcome !== 'settled')) {
    throw new DecisionRefused('keep_looking is refused: there is nothing left to find out');
  }
  if ((resolution === 'keep_looking' || resolution === 'send_again') && !(await canStandAlone(trx, payout))) {
    throw new DecisionRefused(`${resolution} is refused: its bulk holds nothing for it, having not begun`);
  }
  if (open.some((submission) => mayStillLeave(submission, marginMs))) {
    throw new DecisionRefused('a call may still be leaving: decide once its send-by time and margin are over');
  }
}

/** Called unknown since its activity ended (`recovery`), its worker may be stopped only, and send when it goes on. */
function mayStillLeave({ outcome, source, sendBy }: Submission, marginMs: number): boolean {
  const isUnanswered = outcome === null || (outcome === 'unknown' && source === 'recovery');
  return isUnanswered && Date.now() <= sendBy.getTime() + marginMs;
}

async function carryOut(
  trx: Db,
  payout: Payout,
  decision: DecisionRow,
  { personId, windowMs, watchMs }: Confirmation & { personId: string },
): Promise<Payout> {
  const { resolution } = decision;
  if (resolution === 'dismiss') return payout;
  const evidence = {
    actor: `person:${personId}`,
    reason: 'decided_by_people',
    evidence: `decision:${decision.id}`,
  } as const;
  const submissions = (await listSubmissions(trx, payout.id)).filter(({ kind }) => kind === 'call');
  switch (resolution) {
    case 'paid': {
      const paid = paidOne(submissions, decision.provider_reference);
      if (paid) await decideOutcome(trx, paid, decision, 'settled');
      const moved = await movePayout(trx, payout, {
        to: 'succeeded',
        ...evidence,
        providerReference: decision.provider_reference ?? paid?.providerReference ?? null,
      });
      // A final payout may be turned more than once: each turn is booked under its own decision.
      const cause = isFinalState(payout.state) ? decision.id : (paid?.id ?? decision.id);
      await trx.query('select capture_hold($1, $2)', [payout.id, cause]);
      for (const other of submissions.filter(({ id, outcome }) => outcome === 'settled' && id !== paid?.id)) {
        await trx.query('select capture_hold($1, $2)', [payout.id, other.id]);
      }
      return moved;
    }
    case 'not_paid': {
      for (const submission of submissions) {
        if (!isProvenUnpaid(submission.outcome)) await decideOutcome(trx, submission, decision, 'rejected');
      }
      const watchUntil = new Date(Date.now() + watchMs);
      const moved = await movePayout(trx, payout, { to: 'failed', ...evidence, watchUntil });
      const undo = payout.state === 'succeeded' ? 'select book_reversal($1)' : 'select release_hold($1)';
      await trx.query(undo, [payout.id]);
      return moved;
    }
    case 'keep_looking':
      return await movePayout(trx, payout, {
        to: 'unknown',
        ...evidence,
        ...(await handOverDecided(trx, payout)),
        settleBy: new Date(Date.now() + windowMs),
      });
    case 'send_again':
      return await movePayout(trx, payout, {
        to: 'queued',
        ...evidence,
        ...(await handOverDecided(trx, payout)),
        attempt: payout.attempt + 1,
        settleBy: null,
      });
    case 'cancel': {
      const moved = await movePayout(trx, payout, { to: 'cancelled', ...evidence });
      await trx.query('select release_hold($1)', [payout.id]);
      return moved;
    }
    default:
      return resolution satisfies never;
  }
}

/** Which submission people found paid: the one they name, else the one that says so, else the one that may have been. */
function paidOne(submissions: readonly Submission[], providerReference: string | null): Submission | undefined {
  return (
    submissions.find(
      (submission) => providerReference !== null && submission.providerReference === providerReference,
    ) ??
    submissions.find(({ outcome }) => outcome === 'settled') ??
    submissions.findLast(({ outcome }) => !isProvenUnpaid(outcome)) ??
    submissions.at(-1)
  );
}

async function decideOutcome(
  trx: Db,
  submission: Submission,
  decision: DecisionRow,
  outcome: 'settled' | 'rejected',
): Promise<void> {
  if (submission.outcome === outcome) {
    if (decision.provider_reference !== null) await nameProof(trx, submission.id, decision.provider_reference);
    return;
  }
  const words = { code: null, text: null };
  const decided: Outcome =
    outcome === 'settled'
      ? { ...words, outcome, providerReference: decision.provider_reference ?? submission.providerReference }
      : { ...words, outcome, kind: 'final', remedy: null };
  await writeOutcome(trx, submission, decided, { source: 'decision', sourceId: decision.id });
}
