import type { AccountType } from './events';
import type { Call, Gateway } from './gateway';
import { ownershipOf } from './owned-retailer';
import type { Parts } from './parts';
import { Problem } from './problem';
import { accountOf, DEFAULT_CUSTOMER_PIN, type Account } from './state';
import { integerWithin } from './transaction-query';

const LIFE_MS = 30 * 86_400_000;
const CUSTOMERS = ['779900001', '779900002'];
const MERCHANT = '789900001';

/** Sandbox numbers with their PIN in clear; the same ones each time. */
export function addSimCardEndpoint(parts: Parts, gateway: Gateway): void {
  gateway.route('get', '/api/assignments/v1/partner/sim-cards', 'simCards', (call) => listSimCards(parts, call));
}

function listSimCards(parts: Parts, { res, query, clientId }: Call): void {
  const count = (field: string, most: number, otherwise: string): number => {
    const value = integerWithin(0, most)(query.get(field) ?? otherwise);
    if (value !== undefined) return value;
    throw new Problem(400, '28', { violations: [{ field, message: `must be between 0 and ${most}` }] });
  };
  const customers = CUSTOMERS.slice(0, count('nbCustomers', 2, '1')).map((msisdn) => opened(parts, msisdn, 'customer'));
  const merchants = [MERCHANT]
    .slice(0, count('nbMerchants', 1, '0'))
    .map((msisdn) => opened(parts, msisdn, 'merchant'));
  const owns = ownershipOf(parts.options, clientId);
  const retailers = [...parts.store.state().accounts.values()]
    .filter((account) => account.type === 'retailer' && owns(account.code))
    .slice(0, count('nbRetailers', 1, '0'));
  res.json([...retailers, ...merchants, ...customers].map(simCard));
}

function opened({ store }: Parts, msisdn: string, type: AccountType): Account {
  if (!store.state().accounts.has(msisdn)) store.record({ e: 'account', msisdn, type, pin: DEFAULT_CUSTOMER_PIN });
  return accountOf(store.state(), msisdn);
}

function simCard({ msisdn, pin, type }: Account): object {
  const expiresAt = new Date(Date.now() + LIFE_MS).toISOString();
  return { msisdn, pinCode: pin, type: type.toUpperCase(), grade: 'FULL', expiresAt };
}
