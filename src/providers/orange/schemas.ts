import { z } from 'zod';

/** A text that is kept where it is one; its absence or another shape never makes an answer unreadable. */
const looseText = z.string().nullish().catch(null);

/** Money as it comes: observed as a float (`10.0`), specified as a number, sent as a string by some. */
export const moneySchema = z.object({ value: z.union([z.number(), z.string()]), unit: z.string() });

/** The answer to a cash-in and to a PIN change. `reference` is judged apart, so it may be anything. */
export const transactionResponseSchema = z.object({
  transactionId: z.string().min(1),
  status: z.string(),
  description: looseText,
  reference: z.unknown().optional(),
});

/** Errors come as problem+json, from the gateway in the OAuth shape. All is optional: what is missing is unmapped. */
export const errorBodySchema = z.object({
  status: z.union([z.string(), z.number()]).transform(String).nullish(),
  code: z.union([z.string(), z.number()]).transform(String).nullish(),
  detail: looseText,
  title: looseText,
  error: looseText,
  error_description: looseText,
  reference: z.unknown().optional(),
});

export type ErrorBody = z.output<typeof errorBodySchema>;

export const tokenSchema = z.object({
  // What cannot stand in a header is no token.
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.coerce.number().int().positive(),
});

export const publicKeySchema = z.object({ keyId: z.string().min(1), key: z.string().min(1) });

export const profileSchema = z.object({
  balance: moneySchema,
  suspended: looseText,
  barred: looseText,
});

/** The answer to a bulk call. A batch without the required `bulkId` is judged by the caller. */
export const bulkResponseSchema = z.object({ bulkId: looseText, status: z.string(), description: looseText });

export const statusSchema = z.object({ status: z.string() });

const partySchema = z.object({ id: z.string() }).nullish().catch(null);

export const transactionSchema = z.object({
  transactionId: z.string().min(1),
  status: z.string(),
  statusReason: looseText,
  reference: looseText,
  amount: moneySchema.nullish().catch(null),
  partner: partySchema,
  customer: partySchema,
});

export const sandboxNumbersSchema = z.array(
  z.object({ msisdn: z.string().min(1), type: looseText, pinCode: looseText }),
);

/** The merchant callback, tolerantly: it is a hint, so what is missing is only not used. */
export const notificationSchema = z.object({
  type: looseText,
  status: looseText,
  reference: looseText,
  transactionId: looseText,
  amount: moneySchema.nullish().catch(null),
  customer: partySchema,
});

/** The JSON of a body, or undefined where it is none. */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
