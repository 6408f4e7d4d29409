import { nationalDigits } from '../../domain/msisdn';

/** Orange writes numbers without the country code. */
export function spellRecipient(e164: string): string {
  return nationalDigits(e164);
}
