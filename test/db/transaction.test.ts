import type { Pool } from 'pg';

import { isUnavailable } from '../../src/db/errors';
import { createPool } from '../../src/db/pool';
import { queryAndCommit, withTransaction } from '../../src/db/transaction';
import { eventually } from '../helpers/eventually';
import { createTestDatabase } from '../helpers/postgres';

describe('a transaction whose session is ended between two statements', () => {
  test('fails at its next statement, and the process goes on with a fresh connection', async () => {
    const database = await createTestDatabase();
    const pool = createPool({ databaseUrl: database.url, size: 3, onIdleError: () => undefined });
    try {
      const work = withTransaction(pool, async (trx) => {
        const { rows } = await trx.query<{ pid: number }>('select pg_backend_pid() as pid');
        await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        // The death arrives while no statement is under way.
        await new Promise((resolve) => setTimeout(resolve, 200));
        await trx.query('select 1');
      });
      await expect(work).rejects.toThrow(/not queryable|terminating connection|Connection terminated/);
      await expect(pool.query('select 1')).resolves.toMatchObject({ rowCount: 1 });
    } finally {
      await pool.end();
      await database.close();
    }
  });
});

describe('one statement that commits', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 2, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  test('whose session dies under it may stand or not, and the pool goes on', async () => {
    const sleeping = queryAndCommit(pool, { text: 'select pg_sleep(20)' });
    const ended = expect(sleeping).rejects.toMatchObject({ name: 'CommitUnknownError' });
    await eventually('it is under way', async () => {
      const { rowCount } = await pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(20)'",
      );
      return rowCount === 1;
    });
    await ended;
    await expect(queryAndCommit(pool, { text: 'select 1' })).resolves.toMatchObject({ rowCount: 1 });
  });

  test('that PostgreSQL refuses is refused as it says, and its session serves the next one', async () => {
    await expect(queryAndCommit(pool, { text: 'select 1 / 0' })).rejects.toMatchObject({ code: '22012' });
    await expect(queryAndCommit(pool, { text: 'select 1' })).resolves.toMatchObject({ rowCount: 1 });
  });
});

describe('a session that stands still in a transaction', () => {
  test('is ended before the statements that wait for its locks give up', async () => {
    const database = await createTestDatabase();
    const pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => undefined });
    try {
      const { rows } = await pool.query<{ name: string; ms: number }>(
        `select name, setting::int as ms from pg_settings
         where name in ('idle_in_transaction_session_timeout', 'statement_timeout') order by name`,
      );
      const [idle, statement] = rows.map(({ ms }) => ms);
      expect(idle).toBeGreaterThan(0);
      expect(idle).toBeLessThanOrEqual((statement ?? 0) / 2);
    } finally {
      await pool.end();
      await database.close();
    }
  });

  test('behind whose lock a statement took too long: the database counts as away, and nothing as wrong', () => {
    expect(isUnavailable({ code: '57014', message: 'canceling statement due to statement timeout' })).toBe(true);
    expect(isUnavailable({ code: '42601', message: 'syntax error' })).toBe(false);
  });
});
