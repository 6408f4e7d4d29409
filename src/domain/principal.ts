import type { Environment } from './environment';

export const PRINCIPAL_ROLES = ['merchant', 'operator'] as const;

export type PrincipalRole = (typeof PRINCIPAL_ROLES)[number];

/** Who stands behind a call: a natural person or a merchant's system. Two keys of one person are one person. */
export type Subject = { kind: 'person'; personId: string } | { kind: 'system'; systemId: string };

/** Who is calling. A merchant's principal is bound to one tenant; an operator's is bound to none. */
export type Principal =
  | { role: 'merchant'; keyId: string; subject: Subject; merchantId: string; environment: Environment }
  | { role: 'operator'; keyId: string; subject: Subject };

/** Who caused an event, as it is written in the event row: `system`, `provider`, `api_key:<id>` or `person:<id>`. */
export type Actor = 'system' | 'provider' | `api_key:${string}` | `person:${string}`;

export function actorOf(principal: Principal): Actor {
  return principal.subject.kind === 'person' ? `person:${principal.subject.personId}` : `api_key:${principal.keyId}`;
}
