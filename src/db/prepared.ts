import type { QueryConfig } from 'pg';

/**
 * A statement that every session parses and plans once: for those that each payout makes, or each micro-batch of lines. It names its columns, since
 * PostgreSQL refuses a prepared `select *` after a migration that adds one.
 */
export function prepared(name: string, text: string): (...values: unknown[]) => QueryConfig {
  return (...values) => ({ name, text, values });
}
