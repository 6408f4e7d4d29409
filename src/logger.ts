import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that never leave the process, wherever somebody binds them by mistake: bodies, secrets, numbers. */
const REDACTED = [
  'authorization',
  'body',
  'pin',
  'token',
  'secret',
  'client_secret',
  'clientSecret',
  'encryptedPin',
  'msisdn',
  'recipient',
  'customer',
];

/** The process's logger: one JSON line per entry, objects first, ids bound once by `child`. */
export function createLogger(options: { level: string; name: string }): Logger {
  return pino({
    name: options.name,
    level: options.level,
    redact: { paths: REDACTED.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
    serializers: { err: serializeError },
  });
}

/** Keeps what tells where an error came from; a provider's or database's own fields may carry values and stay out. */
function serializeError(error: unknown): Record<string, unknown> {
  const { name, code, message, stack, cause } = error as Partial<Error> & { code?: unknown };
  return { type: name, code, message, stack, ...(cause === undefined ? {} : { cause: serializeError(cause) }) };
}
