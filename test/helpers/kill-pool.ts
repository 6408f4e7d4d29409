import type { Pool, PoolClient, QueryConfig } from 'pg';

/** A statement on its way. `session` is the same object for all statements between connect and release. */
export interface Statement {
  sql: string;
  values: readonly unknown[];
  session: { name?: string };
}

export type Around = (statement: Statement, run: () => Promise<unknown>) => Promise<unknown>;

/** A pool whose statements, its own and those of its transactions, go through `around`. */
export function aroundStatements(pool: Pool, around: Around): Pool {
  const connect = async (): Promise<PoolClient> => intercepted(await pool.connect(), around, {});
  return intercepted(pool, around, null, connect);
}

function intercepted<T extends Pool | PoolClient>(
  target: T,
  around: Around,
  session: Statement['session'] | null,
  connect?: () => Promise<PoolClient>,
): T {
  const run = target.query.bind(target) as (sql: string | QueryConfig, values?: unknown[]) => Promise<unknown>;
  const query = (sql: string | QueryConfig, values?: unknown[]): Promise<unknown> => {
    const said = typeof sql === 'string' ? { sql, values: values ?? [] } : { sql: sql.text, values: sql.values ?? [] };
    return around({ ...said, session: session ?? {} }, () => run(sql, values));
  };
  return new Proxy(target, {
    get(_, name) {
      if (name === 'query') return query;
      if (name === 'connect' && connect) return connect;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
