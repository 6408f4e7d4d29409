import type { Environment } from '../domain/environment';
import type { Db } from './pool';

/** The credential that carries a method for a merchant: the primary one; null where none is saved. */
export async function findRouteCredential(
  db: Db,
  route: { merchantId: string; environment: Environment; operator: string },
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from credentials where merchant_id = $1 and environment = $2 and operator = $3
       and transaction_type = 'payout' and role = 'primary'`,
    [route.merchantId, route.environment, route.operator],
  );
  return rows[0]?.id ?? null;
}
