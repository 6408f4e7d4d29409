import { migrate } from '../src/db/migrate';
import { query, startPostgres, TEMPLATE_DATABASE, withDatabase } from './helpers/postgres';
import { startTemporalServer } from './helpers/temporal-server';
import { bundleWorkflowsForTests } from './helpers/workflow-bundle';
import { closeTestServers, type TestServer } from './global-teardown';

/**
 * Starts the servers that all test files share and hands their addresses on in the environment, which jest's workers
 * inherit. `DATABASE_URL` and `TEMPORAL_ADDRESS` name servers to use instead, `CAURI_TEST_WORKFLOWS` a bundle of the
 * workflows (`npm run mutants`); then nothing is started or made in their place.
 */
export default async function globalSetup(): Promise<void> {
  const started: TestServer[] = [];
  globalThis.cauriTestServers = started;
  const keep = <Server extends TestServer>(server: Server): Server => {
    started.push(server);
    return server;
  };
  const postgres = async (): Promise<void> => {
    const url = process.env['DATABASE_URL'] ?? keep(await startPostgres({ durable: false })).url;
    await query(url, `drop database if exists ${TEMPLATE_DATABASE}`);
    await query(url, `create database ${TEMPLATE_DATABASE}`);
    await migrate(withDatabase(url, TEMPLATE_DATABASE));
    process.env['CAURI_TEST_POSTGRES'] = url;
  };
  const temporal = async (): Promise<void> => {
    process.env['CAURI_TEST_TEMPORAL'] = process.env['TEMPORAL_ADDRESS'] ?? keep(await startTemporalServer()).address;
  };
  const workflows = async (): Promise<void> => {
    if (process.env['CAURI_TEST_WORKFLOWS'] === undefined) keep(await bundleWorkflowsForTests());
  };
  const results = await Promise.allSettled([postgres(), temporal(), workflows()]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) {
    await closeTestServers();
    throw failure.reason;
  }
}
