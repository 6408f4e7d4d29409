import type { Client } from 'pg';

export interface StatementCount {
  text: string;
  calls: number;
  /** Milliseconds in all, in the server. */
  totalMs: number;
}

export interface DatabaseWork {
  /** Every statement that a client sent, `begin` and `commit` too. */
  statements: number;
  commits: number;
  walBytes: number;
  /** The most frequent first. */
  top: readonly StatementCount[];
}

/**
 * Counts what is done in `database` from now on, by pg_stat_statements: only what clients send, not what functions and
 * triggers do in it. `admin` is a superuser's session in another database.
 */
export async function watchDatabase(admin: Client, database: string): Promise<{ end(): Promise<DatabaseWork> }> {
  await admin.query('select pg_stat_statements_reset()');
  const walBefore = await readWal(admin);
  return {
    async end() {
      const walBytes = (await readWal(admin)) - walBefore;
      const { rows } = await admin.query<{ query: string; calls: number; total: number }>(
        `select query, sum(calls)::int as calls, sum(total_exec_time)::float8 as total
         from pg_stat_statements join pg_database on pg_database.oid = dbid
         where datname = $1 group by query order by sum(calls) desc, query`,
        [database],
      );
      const top = rows.map(({ query, calls, total }) => ({ text: oneLine(query), calls, totalMs: total }));
      const commits = top.filter(({ text }) => /^commit/i.test(text));
      return { statements: sumOfCalls(top), commits: sumOfCalls(commits), walBytes, top };
    },
  };
}

/** Bytes of write-ahead log since the cluster was made. */
async function readWal(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ bytes: string }>(`select (pg_current_wal_lsn() - '0/0')::text as bytes`);
  return Number(rows[0]?.bytes);
}

function sumOfCalls(statements: readonly StatementCount[]): number {
  return statements.reduce((sum, { calls }) => sum + calls, 0);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
