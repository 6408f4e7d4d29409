import { migrate } from './db/migrate';

/** Applies the migrations that the database of DATABASE_URL lacks, then ends. */
async function main(): Promise<void> {
  const url = process.env['DATABASE_URL'];
  if (!url) throw new Error('DATABASE_URL is not set: name the PostgreSQL database to migrate.');
  const { applied } = await migrate(url);
  for (const name of applied) process.stdout.write(`applied ${name}\n`);
  process.stdout.write(`the schema is up to date; ${applied.length} applied\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
