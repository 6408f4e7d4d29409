import { randomBytes } from 'node:crypto';

import type { Pool } from 'pg';

import { operatorKeyOf } from './persons';

/** A statement of today that these persons imported. Returns the source's id of its first line. */
export async function writeStatement(
  pool: Pool,
  {
    account,
    by = ['per_one', 'per_two'],
    hash = randomBytes(32),
    period = daysAround(),
  }: { account: string; by?: readonly string[]; hash?: Buffer; period?: { from: Date; to: Date } },
): Promise<string> {
  await pool.query(
    `insert into statements (provider, file_hash, account_number, period_from, period_to) values ('orange', $1, $2, $3, $4)
     on conflict do nothing`,
    [hash, account, period.from, period.to],
  );
  for (const person of by) {
    await pool.query(
      `insert into statement_votes (provider, file_hash, key_id) values ('orange', $1, $2)
       on conflict (provider, file_hash, person_id) do nothing`,
      [hash, operatorKeyOf(person)],
    );
  }
  return `${hash.toString('hex').slice(0, 12)}:1`;
}

/** Yesterday and today, by whole days, as the operator gives them. */
export function daysAround(): { from: Date; to: Date } {
  const today = new Date(new Date().toISOString().slice(0, 10));
  return { from: new Date(today.getTime() - 86_400_000), to: new Date(today.getTime() + 86_400_000) };
}

/** The same as the command's options. */
export function periodOptions(): string {
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const { from, to } = daysAround();
  return `--from ${day(from)} --to ${day(new Date(to.getTime() - 86_400_000))}`;
}
