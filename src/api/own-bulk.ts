import { findBulkOf } from '../db/bulk-rows';
import type { Db } from '../db/pool';
import type { Bulk } from '../domain/bulk';
import type { Tenant } from '../domain/environment';
import { ApiProblem } from './problem';

/** The caller's bulk; a stranger's does not exist for him. */
export async function readOwnBulk(db: Db, tenant: Tenant, bulkId: string): Promise<Bulk> {
  const bulk = await findBulkOf(db, tenant, bulkId);
  if (!bulk) throw new ApiProblem('not_found', { detail: 'There is no such bulk here.' });
  return bulk;
}
