import { z } from 'zod';
import type { core } from 'zod';

import { codePointOf } from '../../domain/msisdn';

/** A message for every way in which a field can be wrong; a missing one is told apart. */
export function said(message: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => (issue.input === undefined ? `is required: ${message}` : message) };
}

/** Control characters, lone surrogates and Unicode's line ends, which neither PostgreSQL nor people can read back. */
const UNREADABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The same for the OpenAPI document, in what every language's regular expressions know. */
const READABLE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$';

/** A trimmed line of text of 1 to `max` characters. */
export function text(max: number): z.ZodString {
  const message = `give a text of 1 to ${max} characters, without control characters`;
  return z
    .string(said(message))
    .trim()
    .min(1, message)
    .max(max, message)
    .refine((value) => !UNREADABLE.test(value), message)
    .meta({ override: { pattern: READABLE } });
}

const INVISIBLE = /\p{Cf}/u;

/** A text that identifies something. A character that nobody sees would make two that look the same differ. */
export function identity(max: number): z.ZodString {
  return text(max).superRefine((value, context) => {
    const [invisible] = INVISIBLE.exec(value) ?? [];
    if (invisible === undefined) return;
    context.addIssue({
      code: 'custom',
      message: `holds the invisible character ${codePointOf(invisible)}: take it out`,
    });
  });
}

/** What the OpenAPI document says of a field in place of its schema, such as one type for what is read from two. */
export function documentedAs(schema: Record<string, unknown>): {
  override: (context: { jsonSchema: core.JSONSchema.BaseSchema }) => void;
} {
  return {
    override: ({ jsonSchema }) => {
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, schema);
    },
  };
}

/** One word of a closed list. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T): z.ZodEnum<{ [W in T[number]]: W }> {
  return z.enum(words, said(`give one of: ${words.join(', ')}`));
}

/** A moment with its offset from UTC. */
export const moment = z.iso
  .datetime({ offset: true, ...said('give an ISO 8601 time with its offset, such as 2030-01-31T09:00:00Z') })
  .transform((value) => new Date(value));

/** An id of ours with a known prefix. */
export function idOf(prefix: string): z.ZodString {
  return z.string().regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`));
}

export const payoutParams = z.object({ payoutId: idOf('po').meta({ description: 'Id of the payout, `po_…`.' }) });

/** States of a closed list, apart by commas. */
export function statesOf<State extends string>(known: readonly State[]): z.ZodType<State[], string> {
  return z
    .string(said('give it once, states apart by commas'))
    .transform((value) => value.split(','))
    .refine(
      (values) => values.every((value) => (known as readonly string[]).includes(value)),
      `give states, apart by commas: ${known.join(', ')}`,
    )
    .transform((values) => values as State[])
    .meta({ description: 'One state or several, apart by commas.' });
}
