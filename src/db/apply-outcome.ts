import { isProvenUnpaid } from '../domain/outcome';
import type { Outcome, OutcomeSource, Remedy } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { isFinalState } from '../domain/payout-state';
import type { Actor } from '../domain/principal';
import type { Reason } from '../domain/reasons';
import type { ReviewKind } from '../domain/review';
import { stateAfter } from '../domain/resume';
import { isNamedNow, isOpenCall, isPaidAgain } from '../domain/submission';
import type { Submission } from '../domain/submission';
import { movePayout } from './move-payout';
import type { PayoutMove } from './move-payout';
import type { Db } from './pool';
import { putInReview } from './put-in-review';
import { findHeldProof, nameProof } from './proofs';
import type { Proven } from './proofs';
import { openReviewItem } from './review-items';
import { listSubmissions, writeOutcome } from './submissions';
import type { WrittenOutcome } from './submissions';

export interface OutcomeNews {
  submissionId: string;
  outcome: Outcome;
  source: OutcomeSource;
  /** Id of the look-up, statement line or decision that proves it; the submission's own id for an answer. */
  sourceId: string | null;
  /** Milliseconds from now until the payout may be sent again, where the outcome puts it back in the queue. */
  backOffMs: number;
  /** Milliseconds for which look-ups go on after a refusal. */
  watchMs: number;
}

/**
 * Merges what became known of one submission into its payout, locked by the caller in its transaction: the submission's outcome by
 * compare-and-set, then the payout's state with its hold. Works for the answer of the present call and for one that
 * comes late, of an old attempt or after the payout was given up as unknown. News that contradicts what is proven
 * changes nothing but opens a review item, which freezes a payout that is not final; a payout in review is frozen and only
 * its submission learns. Whatever the payout's state: a second payment is a `double_credit` or `late_credit`, and a transaction
 * of the provider that proves another submission already is a `mismatch`.
 */
export async function applyOutcome(trx: Db, payout: Payout, news: OutcomeNews): Promise<Payout> {
  const submissions = await listSubmissions(trx, payout.id);
  const submission = submissions.find(({ id }) => id === news.submissionId);
  if (!submission) throw new Error(`submission ${news.submissionId} is not of payout ${payout.id}`);
  const others = submissions.filter(({ id }) => id !== submission.id);
  const learnt = asLearnt(submission, news);
  const isToldAgain = isPaidAgain(submission, learnt) || isNamedNow(submission, learnt);
  if (!isToldAgain && !isNews(submission, learnt, news.source)) return payout;
  const held = await findHeldProof(trx, submission, learnt);
  if (held) return await secondClaim(trx, payout, submission, held);
  if (isToldAgain) return await toldAgain(trx, payout, submission, learnt);
  if (contradictsProof(submission, learnt)) return await contradiction(trx, payout, submission, others, learnt);

  const source = sourceOf(submission, news);
  const written = await writeOutcome(trx, submission, learnt, { source, sourceId: news.sourceId });
  if (!written) throw new Error(`submission ${submission.id} changed under its payout's lock`);
  if (isFinalState(payout.state)) return await lateNews(trx, payout, submission, others, learnt);
  if (payout.state === 'in_review') {
    if (learnt.outcome === 'settled') await askAboutOthers(trx, submission, others);
    return payout;
  }
  return await followOutcome(trx, payout, submissions, submission, learnt, news);
}

/** What of a submission a merge looks at. */
export type PlannedSubmission = Pick<Submission, 'id' | 'outcome' | 'everUnknown' | 'providerReference'>;

/**
 * The plain case of a merge, which most lines of a bulk are: one call that may have moved money, nothing proven before,
 * nothing that people must see. What it writes and where it takes the payout; `no_news` where it says nothing new;
 * null where `applyOutcome` must look closer.
 */
export function planOutcome(
  payout: Payout,
  submissions: readonly PlannedSubmission[],
  news: OutcomeNews,
): { written: WrittenOutcome; move: PayoutMove } | 'no_news' | null {
  const submission = submissions.find(({ id }) => id === news.submissionId);
  const others = submissions.filter(({ id }) => id !== news.submissionId);
  if (!submission || !others.every(({ outcome }) => isProvenUnpaid(outcome))) return null;
  const learnt = asLearnt(submission, news);
  if (isPaidAgain(submission, learnt) || isNamedNow(submission, learnt)) return null;
  if (!isNews(submission, learnt, news.source)) return 'no_news';
  if (isFinalState(payout.state) || payout.state === 'in_review') return null;
  if (contradictsProof(submission, learnt) || isProvenUnpaid(submission.outcome)) return null;
  const written = { submission, outcome: learnt, source: sourceOf(submission, news), sourceId: news.sourceId };
  return { written, move: moveAfter(payout, others, submission, learnt, news) };
}

/** An answer that comes after its payout was given up as unknown is a late one. */
function sourceOf(submission: PlannedSubmission, { source }: OutcomeNews): OutcomeSource {
  return submission.everUnknown && source === 'answer' ? 'late_answer' : source;
}

/** A refusal that is learnt after the provider had taken it, or by a look-up after its answer was lost, is final. */
function asLearnt(submission: PlannedSubmission, { outcome, source }: OutcomeNews): Outcome {
  const late = submission.outcome === 'accepted' || isLooked(source);
  return outcome.outcome === 'rejected' && late ? { ...outcome, kind: 'final', remedy: null } : outcome;
}

function isNews(submission: PlannedSubmission, { outcome }: Outcome, source: OutcomeSource): boolean {
  const isUnpaid = isProvenUnpaid(submission.outcome);
  if (submission.outcome === outcome || (isUnpaid && isProvenUnpaid(outcome))) return false;
  // What was once accepted or proven is not made less known by an answer that says less.
  const knowsMore = submission.outcome === 'accepted' || submission.outcome === 'settled' || isUnpaid;
  const saysLess =
    outcome === 'unknown' || outcome === 'not_sent' || (outcome === 'accepted' && !(isUnpaid && isLooked(source)));
  return !(knowsMore && saysLess);
}

/**
 * A proof stands against another proof: only people may turn it. Found in flight after a proof that it is unpaid is as
 * bad; an answer that says so is no news, being older than the proof.
 */
function contradictsProof(submission: PlannedSubmission, { outcome }: Outcome): boolean {
  if (isProvenUnpaid(submission.outcome)) return outcome === 'settled' || outcome === 'accepted';
  return submission.outcome === 'settled' && outcome === 'rejected';
}

/** One transaction of the provider proves one submission, so that this one is not proven by it: people look. */
async function secondClaim(trx: Db, payout: Payout, submission: Submission, held: Proven): Promise<Payout> {
  return await putInReview(trx, payout, {
    kind: 'mismatch',
    detail: `${submission.id} is said to be paid by the transaction that paid ${held.submissionId} of ${held.payoutId}`,
    reason: 'review_opened',
    submissionId: submission.id,
  });
}

/** Of a submission that is proven paid: its transaction where it had none, or a second one. */
async function toldAgain(trx: Db, payout: Payout, submission: Submission, learnt: Outcome): Promise<Payout> {
  if (learnt.outcome !== 'settled' || learnt.providerReference === null) return payout;
  if (submission.providerReference === null) {
    await nameProof(trx, submission.id, learnt.providerReference);
    return payout;
  }
  return await putInReview(trx, payout, {
    kind: 'double_credit',
    detail: `${submission.id} was paid by ${submission.providerReference} and by ${learnt.providerReference}`,
    reason: 'review_opened',
    submissionId: submission.id,
  });
}

async function contradiction(
  trx: Db,
  payout: Payout,
  submission: Submission,
  others: readonly Submission[],
  learnt: Outcome,
): Promise<Payout> {
  return await putInReview(trx, payout, {
    kind: learnt.outcome === 'settled' ? kindOfLateCredit(payout, others) : 'contradiction',
    detail: `${submission.id} was ${String(submission.outcome)}, now said to be ${learnt.outcome}${byTransaction(learnt)}`,
    reason: 'review_opened',
    submissionId: submission.id,
  });
}

/** A late credit is booked with the decision that calls the payout paid; one beside a success has no other moment. */
async function lateNews(
  trx: Db,
  payout: Payout,
  submission: Submission,
  others: readonly Submission[],
  learnt: Outcome,
): Promise<Payout> {
  if (learnt.outcome !== 'settled') return payout;
  if (payout.state === 'succeeded' || payout.state === 'returned') {
    await trx.query('select capture_hold($1, $2)', [payout.id, submission.id]);
  }
  return await putInReview(trx, payout, {
    kind: kindOfLateCredit(payout, others),
    detail: `${submission.id} was found paid after the payout was ${payout.state}`,
    reason: 'review_opened',
    submissionId: submission.id,
  });
}

/** Paid beside another payment, or where none was to be. */
function kindOfLateCredit(payout: Payout, others: readonly Submission[]): ReviewKind {
  return payout.state === 'succeeded' || others.some(({ outcome }) => outcome === 'settled')
    ? 'double_credit'
    : 'late_credit';
}

/** Moves a payout, locked by the caller, to where a submission's written outcome takes it, and settles its hold. */
export async function followOutcome(
  trx: Db,
  payout: Payout,
  submissions: readonly Submission[],
  submission: Submission,
  learnt: Outcome,
  news: Omit<OutcomeNews, 'submissionId' | 'outcome'>,
): Promise<Payout> {
  const others = submissions.filter(({ id }) => id !== submission.id);
  const move = moveAfter(payout, others, submission, learnt, news);
  if (move.to === 'succeeded') await askAboutOthers(trx, submission, others);
  if (move.to === payout.state) return payout;
  const moved = await movePayout(trx, payout, move);
  if (move.to === 'succeeded') await trx.query('select capture_hold($1, $2)', [payout.id, submission.id]);
  if (move.to === 'failed') await trx.query('select release_hold($1)', [payout.id]);
  return moved;
}

/** Where what a submission told takes its payout; to its present state where that changes nothing. */
export function moveAfter(
  payout: Payout,
  others: readonly PlannedSubmission[],
  submission: PlannedSubmission,
  learnt: Outcome,
  news: Omit<OutcomeNews, 'submissionId' | 'outcome'>,
): PayoutMove {
  const rejection = learnt.outcome === 'rejected' ? learnt.kind : null;
  let to = stateAfter(learnt.outcome, rejection);
  // What is proven of one submission does not end the payout while another may still have moved money.
  if ((to === 'failed' || to === 'queued') && !others.every(({ outcome }) => isProvenUnpaid(outcome))) to = 'unknown';
  const stillOpen = others.filter(isOpenCall);
  return {
    to,
    actor: actorOfSource(news.source),
    reason: reasonOf(learnt, news.source),
    words: { code: learnt.code, text: learnt.text },
    submissionId: submission.id,
    ...(news.sourceId === null ? {} : { evidence: `${news.source}:${news.sourceId}` }),
    providerReference: transactionOf(submission, learnt),
    ...(to === 'unknown' && learnt.outcome !== 'unknown'
      ? { retryAt: new Date(Date.now() + news.backOffMs), deferrals: payout.deferrals + 1 }
      : {}),
    ...(to === 'queued'
      ? {
          attempt: payout.attempt + 1,
          settleBy: null,
          retryAt: new Date(Date.now() + news.backOffMs),
          deferrals: payout.deferrals + 1,
        }
      : {}),
    ...(to === 'failed' || (to === 'succeeded' && stillOpen.length > 0)
      ? { watchUntil: new Date(Date.now() + news.watchMs) }
      : {}),
  };
}

function byTransaction(learnt: Outcome): string {
  const named = 'providerReference' in learnt ? (learnt.providerReference ?? null) : null;
  return named === null ? '' : ` by ${named}`;
}

/** Of the submission that decides: what it tells now, or told before. */
function transactionOf({ providerReference }: PlannedSubmission, learnt: Outcome): string | null {
  return ('providerReference' in learnt ? learnt.providerReference : null) ?? providerReference;
}

/** Paid by one submission: that another was paid too, or still may be after it was sent beside this one, is for people. */
async function askAboutOthers(trx: Db, paid: Submission, others: readonly Submission[]): Promise<void> {
  const payoutId = paid.payoutId;
  const twice = others.find(({ outcome }) => outcome === 'settled');
  const later = others.find((other) => isOpenCall(other) && other.attempt > paid.attempt);
  if (twice) await openReviewItem(trx, { payoutId, kind: 'double_credit', detail: `${paid.id} was paid as well` });
  if (!later) return;
  const detail = `${paid.id} was found paid after ${later.id} had been sent in its place`;
  await openReviewItem(trx, { payoutId, kind: 'late_credit', detail });
}

/** Asked of the provider, or read in its document, after the call. */
function isLooked(source: OutcomeSource): boolean {
  return source === 'lookup' || source === 'statement';
}

function actorOfSource(source: OutcomeSource): Actor {
  return source === 'recovery' ? 'system' : 'provider';
}

function reasonOf(learnt: Outcome, source: OutcomeSource): Reason {
  const looked = isLooked(source);
  switch (learnt.outcome) {
    case 'not_sent':
      return 'not_sent';
    case 'accepted':
      return looked ? 'look_up_found_in_flight' : 'provider_accepted';
    case 'settled':
      return looked ? 'look_up_found_paid' : 'provider_settled';
    case 'unknown':
      return source === 'recovery' ? 'no_outcome_written' : 'answer_lost';
    case 'rejected':
      switch (learnt.kind) {
        case 'final':
          return looked ? 'look_up_found_refused' : 'provider_rejected';
        case 'credential':
          return closesGate(learnt.remedy) ? 'credential_blocked' : 'credential_refused';
        case 'provider_float':
          return 'provider_float_low';
        case 'throttled':
          return 'throttled';
        case 'stale_key':
          return 'stale_key';
        default:
          return learnt.kind satisfies never;
      }
    default:
      return learnt satisfies never;
  }
}

function closesGate(remedy: Remedy | null): boolean {
  return remedy === 'replace_pin' || remedy === 'rotate_secret';
}
