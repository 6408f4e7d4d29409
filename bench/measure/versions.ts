import { version as sdkVersion } from '@temporalio/worker/package.json';

import type { World } from '../world';

/** What the figures were measured on. */
export async function readVersions(world: World): Promise<Record<string, string>> {
  const { rows } = await world.admin.query<{ server_version: string }>('show server_version');
  return {
    node: process.version,
    temporal: world.temporalVersion,
    temporalSdk: sdkVersion,
    postgres: rows[0]?.server_version ?? 'unknown',
  };
}
