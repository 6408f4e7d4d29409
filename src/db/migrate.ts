import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

/** Any fixed number that nothing else in this database locks. */
const ADVISORY_LOCK = 7_265_010_042;

const MIGRATIONS_DIRECTORY = join(__dirname, '..', '..', 'migrations');

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/**
 * Applies the migrations that the database lacks, in the order of their names, each in a transaction of its own.
 * Safe when several processes do it at once: one works, the others wait and then find nothing left.
 * @returns names of the files applied by this call.
 * @throws Error when a file that was applied earlier has changed since, or when its SQL fails (named, rolled back).
 */
export async function migrate(databaseUrl: string, directory = MIGRATIONS_DIRECTORY): Promise<{ applied: string[] }> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(
      `create table if not exists schema_migrations (
         name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
    );
    const rows = await client.query<{ name: string; checksum: string }>('select name, checksum from schema_migrations');
    const known = new Map(rows.rows.map((row) => [row.name, row.checksum]));
    const applied: string[] = [];
    for (const migration of readMigrations(directory)) {
      const checksum = known.get(migration.name);
      if (checksum !== undefined && checksum !== migration.checksum) {
        throw new Error(`${migration.name} was changed after it was applied. Put it back and write a new migration.`);
      }
      if (checksum === undefined) {
        await apply(client, migration);
        applied.push(migration.name);
      }
    }
    return { applied };
  } finally {
    await client.end();
  }
}

/** Names of all migrations of this program, in their order. */
export function listMigrationNames(directory = MIGRATIONS_DIRECTORY): string[] {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => /^\d{4}_.*\.sql$/.test(name)) : [];
  return names.sort();
}

function readMigrations(directory: string): Migration[] {
  return listMigrationNames(directory).map((name) => {
    const sql = readFileSync(join(directory, name), 'utf8');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`${name}: ${(error as { message: string }).message}`, { cause: error });
  }
}
