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
