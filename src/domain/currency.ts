/** Currencies that Cauri moves, with their ISO 4217 exponent (decimals of one major unit). XOF, XAF and GNF have none. */
export const CURRENCY_EXPONENTS = { XOF: 0, XAF: 0, GNF: 0, EUR: 2 } as const;

export type Currency = keyof typeof CURRENCY_EXPONENTS;

export const CURRENCIES = Object.keys(CURRENCY_EXPONENTS) as [Currency, ...Currency[]];

export function isCurrency(value: string): value is Currency {
  return Object.hasOwn(CURRENCY_EXPONENTS, value);
}
