import type { Pool } from 'pg';

import { findPrincipal } from '../db/api-keys';
import { CommandError } from './operator';

/** The person and the id behind an operator's key. Throws `CommandError` where the key is missing, revoked or a merchant's. */
export async function authenticateOperator(
  pool: Pool,
  key: string | undefined,
): Promise<{ personId: string; keyId: string }> {
  if (key === undefined || key === '') throw new CommandError('CAURI_OPERATOR_KEY must hold your operator key');
  const principal = await findPrincipal(pool, key);
  if (principal?.role !== 'operator' || principal.subject.kind !== 'person') {
    throw new CommandError('this key is not an operator’s, or it was revoked');
  }
  return { personId: principal.subject.personId, keyId: principal.keyId };
}
