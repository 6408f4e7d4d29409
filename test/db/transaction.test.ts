import { isUnavailable } from '../../src/db/errors';
import { createPool } from '../../src/db/pool';
import { withTransaction } from '../../src/db/transaction';
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
