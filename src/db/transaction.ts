import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';

import { isLostProof, isUnavailable } from './errors';
import type { Db } from './pool';

/** The commit's answer was lost: what the transaction wrote may stand or not, and must be read before it is done again. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
}

/**
 * Runs `work` in one transaction; commits when it returns, rolls back when it throws. No network call belongs in here.
 * Runs it once more where another transaction has just taken the same proof: it finds that one then. Throws `CommitUnknownError`
 * where the connection broke while the commit was under way.
 */
export async function withTransaction<T>(pool: Pool, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  try {
    return await runOnce(pool, work);
  } catch (error) {
    if (!isLostProof(error)) throw error;
    return await runOnce(pool, work);
  }
}

async function runOnce<T>(pool: Pool, work: (trx: PoolClient) => Promise<T>): Promise<T> {
  const trx = await pool.connect();
  // A session that dies between two statements says so by an event, which nobody else hears while it is checked out
  // and which would end the process. The next statement fails of it, and that is where it is dealt with.
  trx.on('error', ignore);
  try {
    await trx.query('begin');
    const result = await work(trx);
    await commit(trx);
    release(trx, true);
    return result;
  } catch (error) {
    // A rollback that fails means a dead connection: the server rolls back by itself, and the first error tells more. Of
    // a server that did not answer none is asked for: the rollback would wait as long again.
    const isLost = error instanceof CommitUnknownError || isUnavailable(error);
    const isAlive = !isLost && (await rolledBack(trx));
    release(trx, isAlive);
    throw error;
  }
}

/** Runs `work` so that its failure leaves the transaction as it was before. */
export async function withSavepoint<T>(trx: Db, work: () => Promise<T>): Promise<T> {
  await trx.query('savepoint before_work');
  try {
    const result = await work();
    await trx.query('release savepoint before_work');
    return result;
  } catch (error) {
    // One that fails means a dead connection, as of a rollback.
    await trx.query('rollback to savepoint before_work; release savepoint before_work').catch(ignore);
    throw error;
  }
}

/**
 * Runs one statement that is a transaction by itself: nothing of ours comes between its locks and its commit. Throws
 * `CommitUnknownError` where the connection broke while it was under way.
 */
export async function queryAndCommit<R extends QueryResultRow>(
  pool: Pool,
  statement: QueryConfig,
): Promise<QueryResult<R>> {
  const session = await pool.connect();
  session.on('error', ignore);
  try {
    const result = await session.query<R>(statement);
    release(session, true);
    return result;
  } catch (error) {
    const isLost = isUnavailable(error);
    release(session, !isLost);
    if (!isLost) throw error;
    throw new CommitUnknownError('the answer to a statement that commits was lost', { cause: error });
  }
}

function release(trx: PoolClient, isAlive: boolean): void {
  trx.off('error', ignore);
  trx.release(!isAlive);
}

function ignore(): void {
  // Nothing to do: see where it is registered.
}

async function commit(trx: PoolClient): Promise<void> {
  try {
    await trx.query('commit');
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new CommitUnknownError('the answer to a commit was lost', { cause: error });
  }
}

async function rolledBack(trx: PoolClient): Promise<boolean> {
  return await trx.query('rollback').then(
    () => true,
    () => false,
  );
}
