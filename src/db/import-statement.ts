import type { Pool } from 'pg';

import { judgeRows } from '../domain/look-up';
import type { Sealing } from '../domain/sealing';
import type { ProviderId } from '../domain/methods';
import type { Outcome } from '../domain/outcome';
import type { Submission } from '../domain/submission';
import { applyOutcome } from './apply-outcome';
import { lockPayout } from './payout-rows';
import type { Db } from './pool';
import { putInReview } from './put-in-review';
import { findSubmission } from './submissions';
import { withTransaction } from './transaction';

export interface StatementImport {
  provider: ProviderId;
  hash: Buffer;
  personId: string;
  lines: readonly {
    line: number;
    reference: string;
    transactionId: string;
    amount: bigint;
    currency: string;
    recipient: string;
    status: 'success' | 'failed' | 'in_flight';
    time: Date;
  }[];
  /** A recipient in the provider's own spelling. */
  spell: (recipient: string) => string;
}

/** What a line did: proved something, said what is known, is about nothing of ours, or asks people. */
export type StatementEffect = 'settled' | 'rejected' | 'known' | 'in_flight' | 'stranger' | 'mismatch' | 'seen_before';

/**
 * Imports a provider's statement: each line is a look-up whose source is the statement, in a transaction of its own. A
 * line that differs in amount or recipient from what was sent is a review item. A file may be imported again.
 */
export async function importStatement(
  { pool, sealing }: { pool: Pool; sealing: Sealing },
  statement: StatementImport,
): Promise<ReadonlyMap<StatementEffect, number>> {
  const effects = new Map<StatementEffect, number>();
  for (const line of statement.lines) {
    const effect = await withTransaction(pool, (trx) => importLine(trx, sealing, statement, line));
    effects.set(effect, (effects.get(effect) ?? 0) + 1);
  }
  return effects;
}

async function importLine(
  trx: Db,
  sealing: Sealing,
  statement: StatementImport,
  line: StatementImport['lines'][number],
): Promise<StatementEffect> {
  const submission = await findSubmission(trx, line.reference);
  const effect = submission?.provider === statement.provider ? await effectOf(trx, statement, line, submission) : 'stranger';
  const { rows } = await trx.query<{ merchant_id: string }>(
    'select merchant_id from payouts where id = $1',
    [submission?.payoutId ?? null],
  );
  const merchantId = rows[0]?.merchant_id;
  const recipientHash =
    merchantId === undefined ? Buffer.alloc(0) : await sealing.fingerprint(merchantId, 'statement-recipient', line.recipient);
  const { rowCount } = await trx.query(
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
      recipientHash,
      line.time,
      statement.personId,
      effect,
    ],
  );
  return rowCount === 1 ? effect : 'seen_before';
}

async function effectOf(
  trx: Db,
  statement: StatementImport,
  line: StatementImport['lines'][number],
  submission: Submission,
): Promise<StatementEffect> {
  const payout = await lockPayout(trx, submission.payoutId);
  const words = { code: line.status, text: null };
  const row = {
    providerReference: line.transactionId,
    reference: line.reference,
    status: line.status,
    amount: line.amount,
    currency: line.currency,
    recipient: statement.spell(line.recipient),
    partner: submission.accountNumber,
    words,
  };
  const verdict = judgeRows([row], {
    reference: submission.id,
    amount: submission.amount,
    currency: submission.currency,
    recipient: statement.spell(payout.recipient.msisdn ?? ''),
    partner: submission.accountNumber,
  });
  if (verdict.verdict === 'review') {
    const detail = `statement line ${line.line}: ${line.transactionId}`;
    await putInReview(trx, payout, { kind: 'statement_mismatch', detail, reason: 'review_opened', submissionId: submission.id });
    return 'mismatch';
  }
  if (verdict.verdict !== 'settled' && verdict.verdict !== 'rejected') return 'in_flight';
  const outcome: Outcome =
    verdict.verdict === 'settled'
      ? { outcome: 'settled', providerReference: line.transactionId, ...words }
      : { outcome: 'rejected', kind: 'final', remedy: null, ...words };
  if (submission.outcome === outcome.outcome) return 'known';
  const sourceId = `${statement.hash.toString('hex').slice(0, 12)}:${line.line}`;
  await applyOutcome(trx, payout.id, {
    submissionId: submission.id,
    outcome,
    source: 'statement',
    sourceId,
    backOffMs: 0,
    watchMs: 0,
  });
  return verdict.verdict;
}
