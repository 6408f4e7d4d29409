import { randomUUID } from 'node:crypto';

import express from 'express';

import { createPool } from '../../src/db/pool';
import { untilToldToStop } from '../../src/shutdown';

/** The least that an accepting route can do: one INSERT of the body, then 202. Checks nothing, starts nothing. */
async function main(): Promise<void> {
  const { INSERT_DATABASE_URL: databaseUrl = '', PORT: port, DATABASE_POOL_SIZE: size = '20' } = process.env;
  const pool = createPool({ databaseUrl, size: Number(size), onIdleError: () => undefined });
  await pool.query('create table if not exists accepted (id text primary key, body jsonb not null)');
  const app = express();
  app.use(express.json());
  app.get('/', (_request, response) => void response.json({}));
  app.post('/v1/payouts', async (request, response) => {
    const id = `po_${randomUUID()}`;
    await pool.query('insert into accepted (id, body) values ($1, $2)', [id, request.body]);
    response.status(202).json({ id });
  });
  const server = app.listen(Number(port), '127.0.0.1');
  await untilToldToStop();
  server.close();
  server.closeAllConnections();
  await pool.end();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
