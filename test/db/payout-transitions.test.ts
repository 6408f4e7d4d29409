import type { Pool } from 'pg';

import { createPool } from '../../src/db/pool';
import { PAYOUT_STATE_NAMES, PAYOUT_TRANSITIONS } from '../../src/domain/payout-state';
import { createTestDatabase } from '../helpers/postgres';
import type { TestDatabase } from '../helpers/postgres';

describe('payout_transitions', () => {
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

  test('has the same pairs as the table of the domain', async () => {
    const { rows } = await pool.query<{ pair: string }>(
      `select from_state || ' → ' || to_state as pair from payout_transitions`,
    );
    const ours = PAYOUT_STATE_NAMES.flatMap((from) => PAYOUT_TRANSITIONS[from].map((to) => `${from} → ${to}`));
    expect(rows.map(({ pair }) => pair).toSorted()).toEqual(ours.toSorted());
  });
});
