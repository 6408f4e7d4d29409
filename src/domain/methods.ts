import type { Currency } from './currency';

export const PROVIDERS = ['orange'] as const;

export type ProviderId = (typeof PROVIDERS)[number];

/** The fields that a method may ask of a recipient. */
export const RECIPIENT_FIELDS = ['msisdn'] as const;

export type RecipientField = (typeof RECIPIENT_FIELDS)[number];

export interface Method {
  name: string;
  /** ISO 3166-1 alpha-2 of the recipient's wallet; a recipient's number must belong to it. */
  country: 'SN';
  currency: Currency;
  recipientFields: readonly RecipientField[];
  /** The providers that can carry it, in order of preference. */
  providers: readonly ProviderId[];
}

/** Everything that a merchant can ask for. */
export const METHODS = {
  orange_sn: {
    name: 'Orange Money Senegal',
    country: 'SN',
    currency: 'XOF',
    recipientFields: ['msisdn'],
    providers: ['orange'],
  },
} as const satisfies Record<string, Method>;

export type MethodId = keyof typeof METHODS;

export const METHOD_IDS = Object.keys(METHODS) as [MethodId, ...MethodId[]];
