import { newId } from './ids';
import type { Db } from './pool';

/** What a provider or the engine knows, and the database, having gone back in time, does not. */
export type Stranger =
  | {
      foundBy: 'provider';
      provider: string;
      accountNumber: string;
      reference: string;
      providerReference: string;
      payoutId: string | null;
      /** Minor units. */
      amount: bigint;
      currency: string;
      status: string;
    }
  | { foundBy: 'engine'; payoutId: string };

/** Writes a stranger down with its question for people, once. False where it is known already. */
export async function insertStranger(trx: Db, restoreId: string, stranger: Stranger): Promise<boolean> {
  const row = stranger.foundBy === 'provider' ? stranger : null;
  const { rows } = await trx.query<{ id: string }>(
    `insert into strangers (id, restore_id, found_by, provider, account_number, reference, provider_reference, payout_id,
       amount, currency, status)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning id`,
    [
      newId('str'),
      restoreId,
      stranger.foundBy,
      row?.provider ?? null,
      row?.accountNumber ?? null,
      row?.reference ?? null,
      row?.providerReference ?? null,
      stranger.payoutId,
      row?.amount ?? null,
      row?.currency ?? null,
      row?.status ?? null,
    ],
  );
  if (!rows[0]) return false;
  await trx.query('insert into review_items (id, kind, detail, stranger_id) values ($1, $2, $3, $4)', [
    newId('rev'),
    'stranger',
    describe(stranger),
    rows[0].id,
  ]);
  return true;
}

function describe(stranger: Stranger): string {
  if (stranger.foundBy === 'engine') return `the engine carried ${stranger.payoutId}, which this database lost`;
  const { reference, providerReference, provider, amount, currency, status } = stranger;
  return `${provider} shows ${providerReference} (${reference}, ${amount} ${currency}, ${status}), which this database lost`;
}

/** Closes the question about a stranger. False where none is open under this id. */
export async function closeStranger(trx: Db, reviewItemId: string): Promise<boolean> {
  const { rowCount } = await trx.query(
    `update review_items set closed_at = clock_timestamp()
     where id = $1 and kind = 'stranger' and closed_at is null`,
    [reviewItemId],
  );
  return rowCount === 1;
}
