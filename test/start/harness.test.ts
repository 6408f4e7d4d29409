import { Client } from 'pg';
import { isServing } from '../../src/temporal/dev-server';
import { createTestDatabase } from '../helpers/postgres';
import { temporalAddress } from '../helpers/temporal-server';

test('each test file gets a migrated database of its own', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new Client({ connectionString: one.url });
  await client.connect();
  await client.query('create table mine (id int)');
  const migrations = await client.query('select name from schema_migrations');
  await client.end();
  const second = new Client({ connectionString: other.url });
  await second.connect();
  const found = await second.query<{ mine: string | null }>("select to_regclass('mine') as mine");
  await second.end();
  await Promise.all([one.close(), other.close()]);
  expect(found.rows[0]?.mine).toBeNull();
  expect(migrations.rows.length).toBeGreaterThan(0);
});

test('the dev server of the run serves the namespace default', async () => {
  expect(await isServing(temporalAddress())).toBe(true);
});
