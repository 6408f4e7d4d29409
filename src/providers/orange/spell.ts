import { nationalDigits } from '../../domain/msisdn';
import type { ProviderAccount } from '../provider';

/** Orange writes numbers without the country code; the paying account is written as it was given. */
export function spell(order: { recipient: string; account: ProviderAccount }): { recipient: string; partner: string } {
  return { recipient: nationalDigits(order.recipient), partner: order.account.accountNumber };
}
