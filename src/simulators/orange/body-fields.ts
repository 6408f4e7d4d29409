import { Problem, type Violation } from './problem';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a body or throws 21 (missing) or 22 (no JSON, or not what the endpoint takes). */
export function parseJsonObject(raw: string): JsonObject {
  if (raw === '') throw new Problem(400, '21');
  try {
    const body: unknown = JSON.parse(raw);
    if (isJsonObject(body)) return body;
  } catch {
    // Falls through to the same answer as a body of another kind.
  }
  throw new Problem(400, '22');
}

export const NINE_DIGITS = /^\d{9}$/;
/** Base64 of 256 bytes. */
export const PIN_BLOCK = /^[A-Za-z0-9+/]{342}==$/;

interface TextRule {
  readonly pattern: RegExp;
  readonly message: string;
}

export interface FieldChecker {
  /** The checkers answer a neutral value where something is wrong; `done` then throws. */
  text(path: string, value: unknown, rule: TextRule): string;
  optionalText(path: string, value: unknown, rule: TextRule): string | null;
  object(path: string, value: unknown): JsonObject;
  msisdn(path: string, value: unknown): string;
  pinBlock(path: string, value: unknown): string;
  invalid(field: string, message: string): void;
  missing(field: string): void;
  /** Throws 23 if a field is missing, else 24 if one is invalid, with every violation. */
  done(): void;
}

/** Collects what is wrong with a body, so that all violations are answered at once. */
export function createFieldChecker(): FieldChecker {
  const missing: Violation[] = [];
  const invalid: Violation[] = [];

  function isMissing(field: string, value: unknown): boolean {
    if (value !== undefined && value !== null) return false;
    missing.push({ field, message: 'must not be null' });
    return true;
  }

  function text(field: string, value: unknown, { pattern, message }: TextRule): string {
    if (isMissing(field, value)) return '';
    if (typeof value === 'string' && pattern.test(value)) return value;
    invalid.push({ field, message });
    return '';
  }

  return {
    text,
    optionalText: (field, value, rule) => (value === undefined || value === null ? null : text(field, value, rule)),
    object: (field, value) => {
      if (isMissing(field, value)) return {};
      if (isJsonObject(value)) return value;
      invalid.push({ field, message: 'must be an object' });
      return {};
    },
    msisdn: (field, value) => text(field, value, { pattern: NINE_DIGITS, message: 'must match "^\\d{9}$"' }),
    pinBlock: (field, value) => {
      const wrongLength = typeof value === 'string' && value.length !== 344;
      const message = wrongLength ? 'size must be between 344 and 344' : 'must be Base64';
      return text(field, value, { pattern: PIN_BLOCK, message });
    },
    invalid: (field, message) => {
      invalid.push({ field, message });
    },
    missing: (field) => {
      isMissing(field, null);
    },
    done: () => {
      // A field inside a missing object says nothing of its own.
      const violations = [...missing, ...invalid].filter(
        ({ field }) => !missing.some((parent) => field.startsWith(`${parent.field}.`)),
      );
      if (missing.length > 0) throw new Problem(400, '23', { violations });
      if (invalid.length > 0) throw new Problem(400, '24', { violations });
    },
  };
}
