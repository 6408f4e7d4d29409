import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';

const PAGE = readFileSync(path.join(__dirname, '../../docs/runbook.md'), 'utf8');

/** Every statement of the runbook, from its blocks of SQL and from its sentences. */
function statements(): string[] {
  const blocks = [...PAGE.matchAll(/```sql\n([^`]+)```/g)].map(([, sql]) => sql ?? '');
  const inSentences = [...PAGE.matchAll(/`((?:select|update) [^`]+;)`/g)].map(([, sql]) => sql ?? '');
  return [...blocks, ...inSentences].flatMap((sql) => sql.split(';')).filter((sql) => sql.trim() !== '');
}

describe('the SQL of the runbook', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, size: 1, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await pool.end();
    await database.close();
  });

  test('is found on the page', () => {
    expect(statements().length).toBeGreaterThan(12);
  });

  test.each(statements())('works on the present schema: %s', async (sql) => {
    await expect(pool.query(`explain ${sql}`)).resolves.toMatchObject({ command: 'EXPLAIN' });
  });
});
