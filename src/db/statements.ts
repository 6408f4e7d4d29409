import type { Pool } from 'pg';

import type { ProviderId } from '../domain/methods';
import { isVoteRefusal } from './errors';
import type { Db } from './pool';
import { withTransaction } from './transaction';

export interface StatementHead {
  provider: ProviderId;
  hash: Buffer;
  accountNumber: string;
  /** The first moment, and the first one after it. */
  period: { from: Date; to: Date };
  /** The operator's key under which it is imported. */
  keyId: string;
}

/** The statement cannot be taken; the message says what to change. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused';
}

/** Writes down who imports which file of which account and period. A file that was imported before is of the same. */
export async function recordStatement(pool: Pool, head: StatementHead): Promise<void> {
  try {
    await withTransaction(pool, (trx) => record(trx, head));
  } catch (error) {
    if (isVoteRefusal(error)) throw new StatementRefused(error.message);
    throw error;
  }
}

async function record(trx: Db, { provider, hash, accountNumber, period, keyId }: StatementHead): Promise<void> {
  await trx.query(
    `insert into statements (provider, file_hash, account_number, period_from, period_to) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [provider, hash, accountNumber, period.from, period.to],
  );
  const { rowCount } = await trx.query(
    `select 1 from statements where provider = $1 and file_hash = $2 and account_number = $3 and period_from = $4
       and period_to = $5`,
    [provider, hash, accountNumber, period.from, period.to],
  );
  if (rowCount !== 1) throw new StatementRefused('this file was imported before, as of another account or period');
  await trx.query(
    `insert into statement_votes (provider, file_hash, key_id) values ($1, $2, $3)
     on conflict (provider, file_hash, person_id) do nothing`,
    [provider, hash, keyId],
  );
}

/** Whether some payout was ever sent, or may be sent, from this account. */
export async function isKnownAccount(db: Db, provider: ProviderId, accountNumber: string): Promise<boolean> {
  const { rowCount } = await db.query('select 1 from credentials where provider = $1 and account_number = $2 limit 1', [
    provider,
    accountNumber,
  ]);
  if (rowCount === 1) return true;
  const { rowCount: sent } = await db.query(
    'select 1 from submissions where provider = $1 and account_number = $2 limit 1',
    [provider, accountNumber],
  );
  return sent === 1;
}

/** Whether two independent operators have imported the file who may decide about this merchant's payouts. */
export async function isStatementAgreed(
  trx: Db,
  { provider, hash }: Pick<StatementHead, 'provider' | 'hash'>,
  merchantId: string,
): Promise<boolean> {
  const { rows } = await trx.query<{ agreed: boolean }>('select is_statement_agreed($1, $2, $3) as agreed', [
    provider,
    hash,
    merchantId,
  ]);
  return rows[0]?.agreed ?? false;
}
