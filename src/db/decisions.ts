import type { Pool } from 'pg';

import type { Outcome } from '../domain/outcome';
import { isProvenUnpaid } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { canMove } from '../domain/payout-state';
import type { PayoutState } from '../domain/payout-state';
import type { Resolution } from '../domain/review';
import type { Submission } from '../domain/submission';
import { newId } from './ids';
import { movePayout } from './move-payout';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
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
  personId: string;
}

/** One person proposes; nothing changes until another one confirms. Returns the decision's id. */
export async function proposeDecision(pool: Pool, proposal: Proposal): Promise<string> {
  return await withTransaction(pool, async (trx) => {
    const payout = await lockPayout(trx, proposal.payoutId);
    await checkResolution(trx, payout, proposal.resolution);
    const id = newId('dec');
    const { rowCount } = await trx.query(
      `insert into decisions (id, payout_id, resolution, evidence_enc, provider_reference, payout_version, proposed_by)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (payout_id) where confirmed_at is null and withdrawn_at is null do nothing`,
      [
        id,
        payout.id,
        proposal.resolution,
        proposal.evidenceEnc,
        proposal.providerReference,
        payout.version,
        proposal.personId,
      ],
    );
    if (rowCount !== 1) throw new DecisionRefused('another decision is proposed already: confirm or withdraw it first');
    return id;
  });
}

export async function withdrawDecision(pool: Pool, decisionId: string): Promise<void> {
  const { rowCount } = await pool.query(
    `update decisions set withdrawn_at = clock_timestamp()
     where id = $1 and confirmed_at is null and withdrawn_at is null`,
    [decisionId],
  );
  if (rowCount !== 1) throw new DecisionRefused('there is no such open decision');
}

interface DecisionRow {
  id: string;
  payout_id: string;
  resolution: Resolution;
  provider_reference: string | null;
  payout_version: number;
  proposed_by: string;
}

/**
 * Another person confirms, and the decision is carried out in the same transaction: submissions, state, hold, review
 * items. Refused where the payout changed since the proposal, and where the person is the one who proposed, under
 * whatever key. `windowMs`: a new settlement window for `keep_looking`.
 */
export async function confirmDecision(
  pool: Pool,
  { decisionId, personId, windowMs }: { decisionId: string; personId: string; windowMs: number },
): Promise<Payout> {
  return await withTransaction(pool, async (trx) => {
    const { rows } = await trx.query<DecisionRow>(
      'select * from decisions where id = $1 and confirmed_at is null and withdrawn_at is null for update',
      [decisionId],
    );
    const decision = rows[0];
    if (!decision) throw new DecisionRefused('there is no such open decision');
    if (decision.proposed_by === personId) {
      throw new DecisionRefused('two persons decide: the one who proposed it may not confirm it');
    }
    const payout = await lockPayout(trx, decision.payout_id);
    if (payout.version !== decision.payout_version) {
      throw new DecisionRefused('the payout has changed since the proposal: withdraw it and look again');
    }
    await checkResolution(trx, payout, decision.resolution);
    await trx.query('update decisions set confirmed_by = $2, confirmed_at = clock_timestamp() where id = $1', [
      decisionId,
      personId,
    ]);
    const decided = await carryOut(trx, payout, decision, personId, windowMs);
    await closeReviewItems(trx, payout.id, decisionId);
    // Its run, or a new one, reads the payout again; works with Temporal stopped.
    await trx.query('update payouts set nudged = true, sweep_after = clock_timestamp() where id = $1', [payout.id]);
    return decided;
  });
}

const TARGET: Readonly<Record<Exclude<Resolution, 'dismiss'>, PayoutState>> = {
  paid: 'succeeded',
  not_paid: 'failed',
  keep_looking: 'unknown',
  send_again: 'queued',
  cancel: 'cancelled',
};

async function checkResolution(trx: Db, payout: Payout, resolution: Resolution): Promise<void> {
  if (resolution === 'dismiss') {
    if (payout.state === 'in_review') throw new DecisionRefused('a payout in review needs a decision on its state');
    if (!(await hasOpenReviewItem(trx, payout.id))) throw new DecisionRefused('no question is open about this payout');
    return;
  }
  const to = TARGET[resolution];
  const turnsFinal = resolution === 'paid' || resolution === 'not_paid';
  if (payout.state !== 'in_review' && !(turnsFinal && canMove(payout.state, to))) {
    throw new DecisionRefused(`a payout that is ${payout.state} cannot be resolved as ${resolution}`);
  }
  if (resolution === 'send_again' || resolution === 'cancel') {
    const open = (await listSubmissions(trx, payout.id)).filter(({ outcome }) => !isProvenUnpaid(outcome));
    if (open.length > 0) {
      throw new DecisionRefused(`${resolution} is refused: ${open.length} submission(s) may have moved money`);
    }
  }
}

async function carryOut(
  trx: Db,
  payout: Payout,
  decision: DecisionRow,
  personId: string,
  windowMs: number,
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
      const paid =
        submissions.find(({ providerReference }) => providerReference === decision.provider_reference) ??
        submissions.at(-1);
      if (paid) await decideOutcome(trx, paid, decision, 'settled');
      const moved = await movePayout(trx, payout, {
        to: 'succeeded',
        ...evidence,
        ...(decision.provider_reference === null ? {} : { providerReference: decision.provider_reference }),
      });
      await trx.query('select capture_hold($1, $2)', [payout.id, paid?.id ?? decision.id]);
      return moved;
    }
    case 'not_paid': {
      for (const submission of submissions) {
        if (!isProvenUnpaid(submission.outcome)) await decideOutcome(trx, submission, decision, 'rejected');
      }
      const moved = await movePayout(trx, payout, { to: 'failed', ...evidence });
      const undo = payout.state === 'succeeded' ? 'select book_reversal($1, $2)' : 'select release_hold($1)';
      await trx.query(undo, payout.state === 'succeeded' ? [payout.id, decision.id] : [payout.id]);
      return moved;
    }
    case 'keep_looking':
      return await movePayout(trx, payout, { to: 'unknown', ...evidence, settleBy: new Date(Date.now() + windowMs) });
    case 'send_again':
      return await movePayout(trx, payout, { to: 'queued', ...evidence, attempt: payout.attempt + 1, settleBy: null });
    case 'cancel': {
      const moved = await movePayout(trx, payout, { to: 'cancelled', ...evidence });
      await trx.query('select release_hold($1)', [payout.id]);
      return moved;
    }
    default:
      return resolution satisfies never;
  }
}

async function decideOutcome(
  trx: Db,
  submission: Submission,
  decision: DecisionRow,
  outcome: 'settled' | 'rejected',
): Promise<void> {
  if (submission.outcome === outcome) return;
  const words = { code: null, text: null };
  const decided: Outcome =
    outcome === 'settled'
      ? { ...words, outcome, providerReference: decision.provider_reference ?? submission.providerReference ?? '' }
      : { ...words, outcome, kind: 'final', remedy: null };
  await writeOutcome(trx, submission, decided, { source: 'decision', sourceId: decision.id });
}
