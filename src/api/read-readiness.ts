import type { ApiDeps } from './deps';

/** What must hold, and whether it does; a check that throws does not. */
export async function readReadiness(checks: ApiDeps['readiness']): Promise<Record<string, boolean>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await check().catch(() => false)] as const),
  );
  return Object.fromEntries(results);
}
