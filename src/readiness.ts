import { createInstallationChecks } from './installation';
import type { Installation } from './installation';

/** Milliseconds that a server may take to answer before the process counts as not ready. */
const READY_LIMIT_MS = 2_000;

/** What every process needs to be ready, by name; each check answers within its own time limit. */
export function createReadiness(
  installation: Installation,
): Record<'database' | 'temporal' | keyof ReturnType<typeof createInstallationChecks>, () => Promise<boolean>> {
  const { pool, temporal } = installation;
  // Of one statement node-postgres knows the limit, its types do not.
  const ping = { text: 'select 1', query_timeout: READY_LIMIT_MS };
  const askTemporal = (): Promise<boolean> => temporal.workflowService.getSystemInfo({}).then(() => true);
  return {
    database: () => pool.query(ping).then(() => true),
    temporal: () => temporal.withDeadline(Date.now() + READY_LIMIT_MS, askTemporal),
    ...createInstallationChecks(installation),
  };
}
