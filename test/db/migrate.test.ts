import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../src/db/migrate';
import { createTestDatabase, query, type TestDatabase } from '../helpers/postgres';

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await createTestDatabase();
  await query(database.url, 'drop table schema_migrations');
  directory = mkdtempSync(join(tmpdir(), 'cauri-migrations-'));
});

afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

function writeMigration(name: string, sql: string): void {
  writeFileSync(join(directory, name), sql);
}

async function rows(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const result = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return result.rows;
}

test('files are applied in the order of their names, and only once', async () => {
  writeMigration('0002_second.sql', 'insert into made values (2)');
  writeMigration('0001_first.sql', 'create table made (number int); insert into made values (1)');
  expect(await migrate(database.url, directory)).toEqual({ applied: ['0001_first.sql', '0002_second.sql'] });
  expect(await migrate(database.url, directory)).toEqual({ applied: [] });
  expect(await rows('select number from made order by number')).toEqual([{ number: 1 }, { number: 2 }]);
});

test('two processes at once apply each file once', async () => {
  writeMigration('0001_first.sql', 'create table made (number int); select pg_sleep(0.2)');
  const results = await Promise.all([1, 2, 3].map(() => migrate(database.url, directory)));
  expect(results.flatMap(({ applied }) => applied)).toEqual(['0001_first.sql']);
});

test('a file that was changed after it was applied is refused by name', async () => {
  writeMigration('0001_first.sql', 'select 1');
  await migrate(database.url, directory);
  writeMigration('0001_first.sql', 'select 2');
  await expect(migrate(database.url, directory)).rejects.toThrow('0001_first.sql was changed');
});

test('a file that fails is named and leaves nothing; those before it stay', async () => {
  writeMigration('0001_first.sql', 'create table made (number int)');
  writeMigration('0002_second.sql', 'insert into made values (1); select wrong');
  await expect(migrate(database.url, directory)).rejects.toThrow('0002_second.sql: column "wrong" does not exist');
  expect(await rows('select * from made')).toEqual([]);
  expect(await rows('select name from schema_migrations')).toEqual([{ name: '0001_first.sql' }]);
});

test('an empty folder is no error', async () => {
  expect(await migrate(database.url, directory)).toEqual({ applied: [] });
});
