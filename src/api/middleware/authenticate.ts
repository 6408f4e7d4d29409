import type { Request } from 'express';

import { findPrincipal } from '../../db/api-keys';
import type { Db } from '../../db/pool';
import type { Principal } from '../../domain/principal';
import { ApiProblem } from '../problem';

/** Who calls, by the API key; throws where there is none, or where it is of another role than the route's. */
export async function authenticate(db: Db, request: Request, role: Principal['role']): Promise<Principal> {
  const key = /^Bearer ([^\s]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
  const principal = key === undefined ? null : await findPrincipal(db, key);
  if (!principal) throw new ApiProblem('unauthenticated', { headers: { 'WWW-Authenticate': 'Bearer' } });
  if (principal.role !== role) {
    throw new ApiProblem('wrong_role', { detail: `This route is for ${role}s; the key is of role ${principal.role}.` });
  }
  return principal;
}
