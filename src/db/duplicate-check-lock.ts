import type { Tenant } from '../domain/environment';
import type { Db } from './pool';

/**
 * Until the end of the transaction no other one of the tenant checks for duplicates: of two that pay the same, sent or
 * retried at once, the second one sees the first.
 */
export async function lockDuplicateCheck(trx: Db, { merchantId, environment }: Tenant): Promise<void> {
  await trx.query(`select pg_advisory_xact_lock(hashtextextended('accept_bulk/' || $1, 0))`, [
    `${merchantId}/${environment}`,
  ]);
}
