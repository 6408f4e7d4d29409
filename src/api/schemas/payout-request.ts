import { z } from 'zod';
import type { core } from 'zod';

import { CURRENCIES, CURRENCY_EXPONENTS, isCurrency } from '../../domain/currency';
import type { Currency } from '../../domain/currency';
import { METHOD_IDS, METHODS } from '../../domain/methods';
import type { MethodId } from '../../domain/methods';
import { MAX_AMOUNT, parseAmount } from '../../domain/money';
import type { AmountProblem } from '../../domain/money';
import { parseMsisdn } from '../../domain/msisdn';
import type { ParsedMsisdn } from '../../domain/msisdn';
import type { InvalidField } from '../problem';
import { documentedAs, identity, moment, oneOf, said, text } from './fields';

const AMOUNT_ADVICE = {
  not_an_integer:
    'give minor units as an integer or a string of digits, without decimals (5000 XOF is 5000; 12.50 EUR is 1250)',
  not_positive: 'give an amount above 0',
  too_large: `give at most ${MAX_AMOUNT}, and numbers above 2^53 as a string`,
} as const;

/** Nothing is read past: of `5.000` nobody but the sender knows whether it is five or five thousand. */
function amountAdvice(wire: unknown, problem: AmountProblem): string {
  if (problem !== 'not_an_integer' || typeof wire !== 'string' || !/\d/.test(wire)) return AMOUNT_ADVICE[problem];
  if (/\d[eE][+-]?\d/.test(wire))
    return 'holds an exponent: format the column as a number without decimals, or as text';
  if (/[\p{Z}\s]/u.test(wire))
    return 'holds a space: write digits only, such as 5000 instead of 5 000, without the currency';
  if (/[.,'\u2019]/.test(wire)) {
    return 'holds a separator: write digits only, in minor units, such as 5000 instead of 5.000, 5,000 or 5000,00';
  }
  return AMOUNT_ADVICE[problem];
}

export const amount = z
  .union([z.number(), z.string()], said(AMOUNT_ADVICE.not_an_integer))
  .transform((wire, context): bigint => {
    const parsed = parseAmount(wire);
    if (parsed.ok) return parsed.amount;
    context.addIssue({ code: 'custom', message: amountAdvice(wire, parsed.problem) });
    return z.NEVER;
  })
  .meta({
    description: 'Minor units: an integer, or a string of digits. Never a float.',
    example: 5000,
    ...documentedAs({
      type: ['integer', 'string'],
      pattern: '^0*[1-9][0-9]{0,12}$',
      minimum: 1,
      maximum: Number(MAX_AMOUNT),
    }),
  });

export const metadata = z
  .record(z.string(), z.string(said('give texts as values')), said('give an object of texts'))
  .refine(
    (value) =>
      Object.keys(value).length <= 20 &&
      Object.entries(value).every(([key, item]) => /^[\w.-]{1,40}$/.test(key) && text(500).safeParse(item).success),
    'give at most 20 entries: keys of 1 to 40 letters, digits, `_`, `.` or `-`; texts of 1 to 500 characters',
  )
  .meta({
    description: 'Up to 20 texts of your own, returned in answers and webhooks.',
    override: {
      maxProperties: 20,
      propertyNames: { pattern: '^[A-Za-z0-9_.-]{1,40}$' },
      additionalProperties: { type: 'string', minLength: 1, maxLength: 500 },
    },
  });

export const customer = z
  .strictObject(
    {
      email: z.email(said('give an e-mail address')).max(254),
      first_name: text(100),
      last_name: text(100),
      phone: text(40).optional(),
      address: text(200).optional(),
      city: text(100).optional(),
      state: text(100).optional(),
      country: z
        .string()
        .regex(/^[A-Z]{2}$/, 'give two capital letters, such as SN')
        .optional(),
      zip: text(20).optional(),
    },
    said('give an object with email, first_name and last_name'),
  )
  .meta({ id: 'Customer', description: 'Kept encrypted; shown only with the single payout.' });

export type Customer = z.output<typeof customer>;

export const description = text(255).meta({ description: 'What the payout is for.', example: 'Salary of May' });

/** Compared in Unicode's normal form C; returned as it was given. */
export const reference = identity(100);

export const recipient = z.strictObject(
  {
    msisdn: z
      .string(said('give the mobile number'))
      .max(40)
      .meta({ description: 'Mobile number, national or international.', example: '771234567' }),
  },
  said('give an object with the fields that the method needs'),
);

/** Each method's currency, and `reference` where it must be unique: what fields say together, for the OpenAPI document. */
export const CROSS_FIELD_RULES = {
  currency: Object.entries(METHODS).map(([method, { currency }]) => ({
    if: { properties: { method: { const: method } }, required: ['method'] },
    then: { properties: { currency: { const: currency } } },
  })),
  reference: {
    if: { properties: { reference_unique: { const: true } }, required: ['reference_unique'] },
    then: { properties: { reference: { type: 'string' } }, required: ['reference'] },
  },
} as const;

/** Any of our currencies; the document names those that a method pays in. */
export const currency = oneOf(CURRENCIES).meta({
  description: 'The currency of the method.',
  override: { enum: [...new Set(Object.values(METHODS).map((method) => method.currency))] },
});

export const EXAMPLE_PAYOUT = {
  amount: 5000,
  currency: 'XOF',
  description: 'Salary of May',
  method: 'orange_sn',
  recipient: { msisdn: '771234567' },
  customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
  reference: 'may-0001',
} as const;

export const payoutRequest = z
  .strictObject(
    {
      amount,
      currency,
      description,
      method: oneOf(METHOD_IDS),
      recipient,
      customer,
      reference: reference.nullish().meta({ description: 'Your own reference; payouts can be searched by it.' }),
      reference_unique: z
        .boolean(said('give true or false'))
        .optional()
        .meta({
          description:
            'true: refuse the payout where another one of the last days (`BULK_DUPLICATE_DAYS`) that was not undone has ' +
            'this reference, or where one ever took it as unique. Otherwise the answer warns.',
        }),
      metadata: metadata.nullish(),
      scheduled_at: moment
        .nullish()
        .meta({ description: 'When to send it, within a year; the amount is held from now on.' }),
    },
    said('give a JSON object'),
  )
  .meta({
    id: 'PayoutRequest',
    example: EXAMPLE_PAYOUT,
    override: ({ jsonSchema }: { jsonSchema: core.JSONSchema.BaseSchema }) => {
      jsonSchema.allOf = [
        ...CROSS_FIELD_RULES.currency,
        CROSS_FIELD_RULES.reference,
      ] as unknown as core.JSONSchema.BaseSchema[];
    },
  });

export type PayoutRequest = z.output<typeof payoutRequest>;

/** What two fields say together: the currency and the recipient must fit the method. */
export function checkPayoutRequest(body: unknown): readonly InvalidField[] {
  const wire = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const errors: InvalidField[] = [];
  if (wire['reference_unique'] === true && (wire['reference'] === undefined || wire['reference'] === null)) {
    errors.push({ pointer: '/reference', detail: 'is required: reference_unique asks for one' });
  }
  const method = wire['method'];
  if (typeof method !== 'string' || !Object.hasOwn(METHODS, method)) return errors;
  const { country, currency: methodCurrency } = METHODS[method as MethodId];
  const currency = wire['currency'];
  if (typeof currency === 'string' && isCurrency(currency) && currency !== methodCurrency) {
    errors.push({ pointer: '/currency', detail: `${method} pays in ${describeCurrency(methodCurrency)}: give that` });
  }
  const msisdn = (wire['recipient'] as { msisdn?: unknown } | null | undefined)?.msisdn;
  if (typeof msisdn === 'string') errors.push(...checkMsisdn(msisdn, method as MethodId, country));
  return errors;
}

function checkMsisdn(msisdn: string, method: MethodId, country: 'SN'): readonly InvalidField[] {
  const parsed = parseMsisdn(msisdn, country);
  if (parsed.ok) return [];
  return [{ pointer: '/recipient/msisdn', detail: msisdnAdvice(parsed, method, country) }];
}

function msisdnAdvice(refused: Extract<ParsedMsisdn, { ok: false }>, method: MethodId, country: 'SN'): string {
  switch (refused.problem) {
    case 'spreadsheet_decimal':
      return (
        "looks like a spreadsheet's decimal, of which digits may be missing: format the column as text and enter the " +
        'number again'
      );
    case 'exponent':
      return 'holds an exponent, in which digits are lost: format the column as text and enter the number again';
    case 'invisible_character':
      return `holds an invisible character ${refused.character} in the number: delete it, or type the number again`;
    case 'separators':
      return 'has separators that cannot be read: write digits alone, or groups of digits with spaces between them';
    case 'not_a_mobile_number':
      return `give a mobile number of ${country}, such as +221771234567`;
    case 'other_country':
      return `${method} pays to numbers of ${country} only`;
    default:
      return refused satisfies never;
  }
}

function describeCurrency(currency: Currency): string {
  return CURRENCY_EXPONENTS[currency] > 0 ? currency : `${currency}, which has no decimals`;
}
