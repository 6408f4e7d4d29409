import type { ResolvedOptions } from './options';
import { Problem } from './problem';
import type { Account, SimulatorState } from './state';

export type OwnsCode = (code: string | null) => boolean;

export function ownershipOf(options: ResolvedOptions, clientId: string): OwnsCode {
  const codes = options.clients.find((client) => client.clientId === clientId)?.retailerCodes ?? [];
  return (code) => code !== null && (codes === '*' || codes.includes(code));
}

/**
 * The retailer account that an id names. An id of type CODE is the account's code, padded with zeros to the nine digits that
 * the schema asks for. Throws 403/11 for an account that does not exist or is another client's.
 */
export function ownedRetailer(state: SimulatorState, owns: OwnsCode, idType: string, id: string): Account {
  const account =
    idType === 'CODE'
      ? [...state.accounts.values()].find((candidate) => candidate.code?.padStart(9, '0') === id)
      : state.accounts.get(id);
  if (account?.type !== 'retailer' || !owns(account.code)) throw new Problem(403, '11');
  return account;
}
