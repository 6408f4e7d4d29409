import type { Pool } from 'pg';

import { judgeRows } from '../domain/look-up';
import type { ProviderRow, Verdict } from '../domain/look-up';
import type { Sealing } from '../domain/sealing';
import type { Outcome } from '../domain/outcome';
import type { Payout } from '../domain/payout';
import { isFinalState } from '../domain/payout-state';
import type { StatementLine } from '../domain/statement';
import { isOpenCall, isPaidAgain } from '../domain/submission';
import type { Submission } from '../domain/submission';
import { applyOutcome } from './apply-outcome';
import { checkLateAtOnce } from './late-checks';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { findHeldProof } from './proofs';
import { putInReview } from './put-in-review';
import { openReviewItem } from './review-items';
import { isStatementAgreed, recordStatement } from './statements';
import type { StatementHead } from './statements';
import { findSubmission } from './submissions';
import { withTransaction } from './transaction';

export interface StatementImport extends StatementHead {
  personId: string;
  lines: readonly StatementLine[];
  /** A recipient in the provider's own spelling. Throws for what cannot be spelled. */
  spell: (recipient: string) => string;
  /** Milliseconds for which look-ups go on after a payout failed. */
  watchMs: number;
}

/**
 * What a line did: proved something, said what is known, is about nothing of ours, or asks people. Alone it proves neither a
 * payment nor a refusal: `to_confirm` has the provider asked, `for_people` is where nobody asks any more.
 */
export type StatementEffect =
  | 'settled'
  | 'to_confirm'
  | 'for_people'
  | 'known'
  | 'in_flight'
  | 'stranger'
  | 'mismatch'
  | 'double_credit'
  | 'contradiction'
  | 'seen_before';

/**
 * Imports a provider's statement: all lines of a reference are one look-up whose source is the statement, in a
 * transaction of its own. Lines that differ in amount or recipient from what was sent, a transaction that paid another submission,
 * and two successes, also where the first one is known from elsewhere, are a review item. A refusal fails nothing: the success of the same reference may stand in tomorrow's file, so that the provider is
 * asked. A success of another account, or of a time before the call, is a mismatch; what is open is settled by it only where another
 * operator imported the same file. A file may be imported again: what was seen before does nothing else. Throws `StatementRefused`.
 * Returns the lines per effect.
 */
export async function importStatement(
  { pool, sealing }: { pool: Pool; sealing: Sealing },
  statement: StatementImport,
): Promise<ReadonlyMap<StatementEffect, number>> {
  await recordStatement(pool, statement);
  const effects = new Map<StatementEffect, number>();
  const asked: string[] = [];
  const byReference = new Map<string, StatementLine[]>();
  for (const line of statement.lines) {
    byReference.set(line.reference, [...(byReference.get(line.reference) ?? []), line]);
  }
  for (const lines of byReference.values()) {
    const effect = await withTransaction(pool, (trx) => importReference(trx, sealing, statement, lines));
    effects.set(effect, (effects.get(effect) ?? 0) + lines.length);
    const [first] = lines;
    if (effect === 'to_confirm' && first) asked.push(first.reference);
  }
  await nudgeBulks(pool, asked);
  return effects;
}

async function importReference(
  trx: Db,
  sealing: Sealing,
  statement: StatementImport,
  lines: readonly StatementLine[],
): Promise<StatementEffect> {
  const [first] = lines;
  if (!first) return 'seen_before';
  const before = await findEffect(trx, statement, first);
  const mayWait = before === 'to_confirm' && lines.some(({ status }) => status === 'success');
  if (before !== null && !mayWait) return 'seen_before';
  const submission = await findSubmission(trx, first.reference);
  const payout = submission?.provider === statement.provider ? await lockPayout(trx, submission.payoutId) : null;
  // A success that waits to be confirmed is judged again once another operator imported the file; alone, it does nothing a second time.
  const isAgreed = payout !== null && (await isStatementAgreed(trx, statement, payout.merchantId));
  if (before !== null && !isAgreed) return 'seen_before';
  const effect =
    submission && payout ? await effectOf(trx, statement, lines, { submission, payout, isAgreed }) : 'stranger';
  for (const line of lines) {
    const recipientHash = payout
      ? await sealing.fingerprint(payout.merchantId, 'statement-recipient', line.recipient)
      : Buffer.alloc(0);
    await insertLine(trx, statement, { ...line, recipientHash, effect });
  }
  return effect;
}

/** What the line did when it was first imported; null where it is new. */
async function findEffect(
  trx: Db,
  { provider, hash }: StatementImport,
  { line }: StatementLine,
): Promise<StatementEffect | null> {
  const { rows } = await trx.query<{ effect: StatementEffect }>(
    'select effect from statement_lines where provider = $1 and file_hash = $2 and line = $3',
    [provider, hash, line],
  );
  return rows[0]?.effect ?? null;
}

async function insertLine(
  trx: Db,
  statement: StatementImport,
  line: StatementLine & { recipientHash: Buffer; effect: StatementEffect },
): Promise<void> {
  await trx.query(
    `insert into statement_lines (provider, file_hash, line, reference, transaction_id, amount, currency, status,
       recipient_hash, occurred_at, imported_by, effect)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
    [
      statement.provider,
      statement.hash,
      line.line,
      line.reference,
      line.transactionId,
      line.amount,
      line.currency,
      line.status,
      line.recipientHash,
      line.time,
      statement.personId,
      line.effect,
    ],
  );
}

/** By how much a provider's clock may be behind ours. */
const CLOCKS_DIFFER_MS = 15 * 60_000;

async function effectOf(
  trx: Db,
  statement: StatementImport,
  lines: readonly StatementLine[],
  { submission, payout, isAgreed }: { submission: Submission; payout: Payout; isAgreed: boolean },
): Promise<StatementEffect> {
  const rows = lines.map((line) => rowOf(line, statement));
  const judged = judgeRows(rows, {
    reference: submission.id,
    amount: submission.amount,
    currency: submission.currency,
    recipient: statement.spell(payout.recipient.msisdn ?? ''),
    partner: submission.accountNumber,
  });
  const early = lines.findIndex(({ time }) => time.getTime() < submission.createdAt.getTime() - CLOCKS_DIFFER_MS);
  const verdict: Verdict =
    rows[early] && judged.verdict !== 'review' ? { verdict: 'review', item: 'mismatch', row: rows[early] } : judged;
  if (verdict.verdict === 'rejected' && isOpenCall(submission)) {
    return await askProvider(trx, payout, submission, verdict.row);
  }
  const outcome = outcomeOf(verdict);
  const isOneSided = outcome?.outcome === 'settled' && isOpenCall(submission) && !isAgreed;
  if (isOneSided && verdict.verdict === 'settled') return await askProvider(trx, payout, submission, verdict.row);
  const isAgain = outcome !== null && isPaidAgain(submission, outcome);
  const isNews = isAgain || (outcome !== null && submission.outcome !== outcome.outcome);
  const merged =
    isNews && !isOneSided
      ? await applyOutcome(trx, payout, {
          submissionId: submission.id,
          outcome,
          source: 'statement',
          sourceId: `${statement.hash.toString('hex').slice(0, 12)}:${lines[0]?.line ?? 0}`,
          backOffMs: 0,
          watchMs: statement.watchMs,
        })
      : payout;
  if (verdict.verdict === 'review') {
    await putInReview(trx, merged, {
      kind: verdict.item === 'double_credit' ? 'double_credit' : 'statement_mismatch',
      detail: `${submission.id} in a statement: ${verdict.row.providerReference}`,
      reason: 'review_opened',
      submissionId: submission.id,
    });
    return verdict.item;
  }
  if (outcome === null) return 'in_flight';
  if (isAgain) {
    await checkLateAtOnce(trx, payout.id);
    return 'double_credit';
  }
  if (!isNews) return 'known';
  if (await findHeldProof(trx, submission, outcome)) return 'mismatch';
  const after = await findSubmission(trx, submission.id);
  return outcome.outcome === 'settled' && after?.outcome === 'settled' ? 'settled' : 'contradiction';
}

/**
 * Only two complete look-ups that agree refute a call (rule 12): the payout's run makes them now, and so do the late checks
 * of a final one. In review nobody looks any more: the statement is evidence for people.
 */
async function askProvider(
  trx: Db,
  payout: Payout,
  submission: Submission,
  row: ProviderRow,
): Promise<'to_confirm' | 'for_people'> {
  if (payout.state === 'in_review') {
    // A success waits for another operator who imports the same file.
    if (row.status === 'success') return 'to_confirm';
    const detail = `${submission.id} is refused in a statement: ${row.providerReference}`;
    await openReviewItem(trx, { payoutId: payout.id, kind: 'statement_refusal', detail });
    return 'for_people';
  }
  await trx.query(
    `update payouts set nudged = true,
       sweep_after = case when owner = 'payout/' || id and sweep_after < 'infinity' then clock_timestamp() else sweep_after end
     where id = $1`,
    [payout.id],
  );
  if (isFinalState(payout.state)) await checkLateAtOnce(trx, payout.id);
  return 'to_confirm';
}

/** Lines are asked for by their bulk. In a transaction after theirs: bulks are locked before payouts, not after them. */
async function nudgeBulks(pool: Pool, references: readonly string[]): Promise<void> {
  await pool.query(
    `update bulks set nudged = true, sweep_after = clock_timestamp()
     where sweep_after < 'infinity' and id in (
       select bulk_id from payouts join submissions on submissions.payout_id = payouts.id
       where submissions.id = any ($1) and owner = 'bulk/' || bulk_id)`,
    [references],
  );
}

function rowOf(line: StatementLine, { spell, accountNumber }: StatementImport): ProviderRow {
  return {
    providerReference: line.transactionId,
    reference: line.reference,
    status: line.status,
    amount: line.amount,
    currency: line.currency,
    recipient: spelledOrAsItIs(line.recipient, spell),
    partner: accountNumber,
    words: { code: line.status, text: null },
  };
}

/** What cannot be spelled is nobody that we pay: it is held against the order as it stands, and differs. */
function spelledOrAsItIs(recipient: string, spell: StatementImport['spell']): string {
  try {
    return spell(recipient);
  } catch {
    return recipient;
  }
}

type Proof = Extract<Outcome, { outcome: 'settled' | 'rejected' }>;

function outcomeOf(verdict: Verdict): Proof | null {
  switch (verdict.verdict) {
    case 'settled':
      return { outcome: 'settled', providerReference: verdict.row.providerReference, ...verdict.row.words };
    case 'rejected':
      return { outcome: 'rejected', kind: 'final', remedy: null, ...verdict.row.words };
    case 'review':
      return verdict.item === 'double_credit'
        ? { outcome: 'settled', providerReference: verdict.row.providerReference, ...verdict.row.words }
        : null;
    case 'in_flight':
    case 'absent':
      return null;
    default:
      return verdict satisfies never;
  }
}
