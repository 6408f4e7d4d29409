import type { Payout } from '../domain/payout';
import type { Submission } from '../domain/submission';
import { applyOutcome, planOutcome } from './apply-outcome';
import type { OutcomeNews } from './apply-outcome';
import { isGuardRefusal } from './errors';
import { movePayouts } from './move-payout';
import type { PayoutMoving } from './move-payout';
import { lockPayouts } from './payout-rows';
import { findHeldProofs } from './proofs';
import type { Db } from './pool';
import { prepared } from './prepared';
import type { Spare } from './sparing-lines';
import { listSubmissionsOf, writeOutcomes } from './submissions';
import type { WrittenOutcome } from './submissions';
import { withSavepoint } from './transaction';

const CLOSE_PARTS = prepared('close_bulk_parts', 'select close_bulk_parts($1, $2, $3, $4)');

export interface LineNews extends OutcomeNews {
  payoutId: string;
}

/**
 * Merges what became known of many lines of one bulk: what is plain in a handful of statements, the others one by one as
 * `applyOutcome` does. Locks the payouts; returns them as they then stand.
 */
async function applyOutcomes(trx: Db, bulkId: string, news: readonly LineNews[]): Promise<ReadonlyMap<string, Payout>> {
  const ids = news.map(({ payoutId }) => payoutId);
  const payouts = new Map((await lockPayouts(trx, ids)).map((payout) => [payout.id, payout]));
  const submissions = await listSubmissionsOf(trx, ids);
  const written: WrittenOutcome[] = [];
  const moves: PayoutMoving[] = [];
  const special: { payout: Payout; one: LineNews }[] = [];
  const claimed = await findClaimed(trx, submissions, news);
  for (const one of news) {
    const payout = payouts.get(one.payoutId);
    if (!payout) throw new Error(`payout ${one.payoutId} does not exist`);
    const plan = planOutcome(payout, submissions.get(payout.id) ?? [], one);
    if (plan === 'no_news') continue;
    if (plan === null || claimed.has(one)) {
      special.push({ payout, one });
      continue;
    }
    written.push(plan.written);
    if (plan.move.to !== payout.state) moves.push({ payout, move: plan.move });
  }
  if ((await writeOutcomes(trx, written)) !== written.length) {
    throw new Error("a submission changed under its payout's lock");
  }
  for (const moved of await movePayouts(trx, moves)) payouts.set(moved.id, moved);
  await settleHolds(trx, bulkId, moves);
  for (const { payout, one } of special) payouts.set(payout.id, await applyOutcome(trx, payout, one));
  return payouts;
}

/** News whose transaction is another submission's proof, or is named for another line as well. */
async function findClaimed(
  trx: Db,
  submissions: ReadonlyMap<string, readonly Submission[]>,
  news: readonly LineNews[],
): Promise<ReadonlySet<LineNews>> {
  const claims = news.flatMap((one) => {
    const submission = submissions.get(one.payoutId)?.find(({ id }) => id === one.submissionId);
    const providerReference = one.outcome.outcome === 'settled' ? one.outcome.providerReference : null;
    return submission && providerReference !== null ? [{ one, submission, providerReference }] : [];
  });
  const held = await findHeldProofs(trx, claims);
  const named = new Set<string>();
  const claimed = new Set<LineNews>();
  for (const { one, submission, providerReference } of claims) {
    const name = JSON.stringify([submission.provider, submission.accountNumber, providerReference]);
    if (held.has(submission.id) || named.has(name)) claimed.add(one);
    named.add(name);
  }
  return claimed;
}

/**
 * The same in a transaction that spares lines. What is known of a line that is refused is kept with its submission, if that
 * can be, while people look at it.
 */
export async function mergeOutcomes(
  trx: Db,
  spare: Spare,
  bulkId: string,
  news: readonly LineNews[],
): Promise<ReadonlyMap<string, Payout>> {
  const { done, refused } = await spare(news, async (some) => [...(await applyOutcomes(trx, bulkId, some)).values()]);
  const payouts = new Map(done.map((payout) => [payout.id, payout]));
  for (const { line, payout } of refused) payouts.set(payout.id, await learn(trx, payout, line));
  return payouts;
}

async function learn(trx: Db, payout: Payout, news: LineNews): Promise<Payout> {
  try {
    return await withSavepoint(trx, () => applyOutcome(trx, payout, news));
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    return payout;
  }
}

/** Lines that were handed over have holds of their own. */
async function settleHolds(trx: Db, bulkId: string, moves: readonly PayoutMoving[]): Promise<void> {
  const isOwn = ({ payout }: PayoutMoving): boolean => payout.owner === `bulk/${bulkId}`;
  const paid = moves.filter(({ move }) => move.to === 'succeeded');
  const failed = moves.filter(({ move }) => move.to === 'failed');
  await closeParts(trx, bulkId, 'capture', paid.filter(isOwn));
  await closeParts(trx, bulkId, 'release', failed.filter(isOwn));
  for (const { payout, move } of paid.filter((one) => !isOwn(one))) {
    await trx.query('select capture_hold($1, $2)', [payout.id, move.submissionId]);
  }
  for (const { payout } of failed.filter((one) => !isOwn(one))) {
    await trx.query('select release_hold($1)', [payout.id]);
  }
}

async function closeParts(
  trx: Db,
  bulkId: string,
  how: 'capture' | 'release',
  moves: readonly PayoutMoving[],
): Promise<void> {
  if (moves.length === 0) return;
  const ids = moves.map(({ payout }) => payout.id);
  const causes = moves.map(({ move, payout }) => move.submissionId ?? payout.owner);
  await trx.query(CLOSE_PARTS(bulkId, how, ids, causes));
}
