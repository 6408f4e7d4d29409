import { Pool, types } from 'pg';

// bigint columns are amounts: they must not pass through a float.
types.setTypeParser(types.builtins.INT8, BigInt);

/** Where a statement may run: the pool, or a transaction. */
export type Db = Pick<Pool, 'query'>;

export interface PoolOptions {
  databaseUrl: string;
  size: number;
  /** Milliseconds after which PostgreSQL stops a statement; by default 30 s. */
  statementTimeoutMs?: number;
  /** Milliseconds after which we give up a statement ourselves, as where the server is frozen; by default 40 s. */
  queryTimeoutMs?: number;
  /** Called for errors of idle connections, which would otherwise end the process. */
  onIdleError: (error: Error) => void;
}

export function createPool({
  databaseUrl,
  size,
  onIdleError,
  statementTimeoutMs = 30_000,
  queryTimeoutMs = 40_000,
}: PoolOptions): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: size,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    // A statement that hangs would hold row locks; every statement of ours is short.
    statement_timeout: statementTimeoutMs,
    // The server's own limit does not help where the server is frozen or the network gone: this one is our clock's.
    query_timeout: queryTimeoutMs,
    // A process that is frozen in a transaction holds its locks: it loses them before those who wait for them give up.
    idle_in_transaction_session_timeout: 15_000,
  });
  pool.on('error', onIdleError);
  return pool;
}
