import type { Client } from '@temporalio/client';

import { loadConfig } from '../src/config';
import { createCore } from '../src/deps';
import type { Core } from '../src/deps';
import { createTemporalClient } from '../src/temporal/connect';
import { createDataConverter } from '../src/temporal/data-converter';
import { loadMasterKeys } from '../src/vault/master-keys';
import { readVersions } from './measure/versions';
import type { ModeOptions } from './mode';
import { configureSimulator } from './simulator-control';
import { createWorld } from './world';
import type { Program, World, WorldOptions } from './world';

/** The host of the API as the provider calls it back. */
const CALLBACK_HOST = 'callbacks.cauri.test';

/** A world with the product's API running, whose bulks may take either path, and what a mode looks into it with. */
export interface Workbench {
  world: World;
  core: Core;
  client: Client;
  versions: Record<string, string>;
  api: Program;
}

/** @throws Error of the first part that does not start; the caller closes what was added to the closers. */
export async function openWorkbench(
  { closers, print, set, profileDirectory }: ModeOptions,
  options: Pick<WorldOptions, 'settlementDelayMs' | 'variables' | 'nodeArgs'>,
): Promise<Workbench> {
  const world = await createWorld({
    ...options,
    ...{ closers, set, profileDirectory, report: print },
    variables: { PUBLIC_URL: `https://${CALLBACK_HOST}`, ...options.variables },
  });
  const versions = await readVersions(world);
  print(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  );
  const config = loadConfig(world.environment);
  const client = createTemporalClient(config, createDataConverter(await loadMasterKeys(config)));
  closers.add(() => client.connection.close());
  const core = await createCore(config, 'bench');
  closers.add(() => core.close());
  const api = await world.startProduct('api');
  await configureSimulator(world, { httpsHostMap: { [CALLBACK_HOST]: api.url } });
  return { world, core, client, versions, api };
}
