import type { Request } from 'express';

import type { Principal } from '../../domain/principal';
import type { SharedWork } from '../deps';
import { ApiProblem } from '../problem';

/** Who calls, by the API key; throws where there is none, or where it is of another role than the route's. */
export async function authenticate(
  { findPrincipal }: Pick<SharedWork, 'findPrincipal'>,
  request: Request,
  role: Principal['role'],
): Promise<Principal> {
  const key = /^Bearer ([^\s]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
  const principal = key === undefined ? null : await findPrincipal(key);
  if (!principal) throw new ApiProblem('unauthenticated', { headers: { 'WWW-Authenticate': 'Bearer' } });
  if (principal.role !== role) {
    throw new ApiProblem('wrong_role', { detail: `This route is for ${role}s; the key is of role ${principal.role}.` });
  }
  return principal;
}
