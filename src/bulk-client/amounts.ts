import { CURRENCY_EXPONENTS, isCurrency } from '../domain/currency';

/** Minor units as people read them: 12500 XOF → `12,500 XOF`, 1250 EUR → `12.50 EUR`. */
export function describeAmount(amount: bigint, currency: string | null): string {
  if (currency === null || !isCurrency(currency)) return `${amount.toLocaleString('en')} (minor units)`;
  const exponent = CURRENCY_EXPONENTS[currency];
  const unit = 10n ** BigInt(exponent);
  const decimals = exponent === 0 ? '' : `.${String(amount % unit).padStart(exponent, '0')}`;
  return `${(amount / unit).toLocaleString('en')}${decimals} ${currency}`;
}
