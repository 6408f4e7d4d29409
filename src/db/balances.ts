import type { Currency } from '../domain/currency';
import type { Tenant } from '../domain/environment';
import type { ProviderId } from '../domain/methods';
import type { Db } from './pool';

/** A merchant's float at Cauri in one currency, in minor units. */
export interface FloatBalance {
  currency: Currency;
  available: bigint;
  held: bigint;
  at: Date;
}

export async function listFloats(db: Db, tenant: Tenant): Promise<readonly FloatBalance[]> {
  const { rows } = await db.query<FloatBalance>(
    `select currency,
       (coalesce(sum(balance) filter (where kind = 'available'), 0))::bigint as available,
       (coalesce(sum(balance) filter (where kind = 'held'), 0))::bigint as held,
       clock_timestamp() as at
     from ledger_accounts where merchant_id = $1 and environment = $2 group by currency order by currency`,
    [tenant.merchantId, tenant.environment],
  );
  return rows;
}

/** An account at a provider that pays in the merchant's name. */
export interface ProviderAccountRow {
  credentialId: string;
  provider: ProviderId;
  operator: string;
  role: 'primary' | 'backup';
}

export async function listProviderAccounts(db: Db, tenant: Tenant): Promise<readonly ProviderAccountRow[]> {
  const { rows } = await db.query<ProviderAccountRow>(
    `select id as "credentialId", provider, operator, role from credentials
     where merchant_id = $1 and environment = $2 and transaction_type = 'payout' order by operator, role desc`,
    [tenant.merchantId, tenant.environment],
  );
  return rows;
}
