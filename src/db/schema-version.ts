import { listMigrationNames } from './migrate';
import type { Db } from './pool';

/**
 * Whether the schema is the one that this program was built for, compared both ways.
 * @returns what is wrong, in one sentence; null where nothing is.
 */
export async function findSchemaProblem(db: Db): Promise<string | null> {
  const { rows } = await db.query<{ exists: boolean }>("select to_regclass('schema_migrations') is not null as exists");
  if (!rows[0]?.exists)
    return 'The database has no schema of Cauri: run `npm run migrate`, or name another DATABASE_URL.';
  const applied = await db.query<{ name: string }>('select name from schema_migrations');
  const inDatabase = new Set(applied.rows.map(({ name }) => name));
  const inProgram = new Set(listMigrationNames());
  const lacking = [...inProgram].filter((name) => !inDatabase.has(name)).sort();
  const unknown = [...inDatabase].filter((name) => !inProgram.has(name)).sort();
  if (unknown.length > 0) {
    return `The database's schema is newer than this program, which does not know ${unknown.join(', ')}: start the version that migrated it.`;
  }
  if (lacking.length > 0) {
    return `The database's schema is older than this program, it lacks ${lacking.join(', ')}: run \`npm run migrate\` first.`;
  }
  return null;
}
