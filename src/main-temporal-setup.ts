import { setTimeout as sleep } from 'node:timers/promises';

import { msToTs } from '@temporalio/common/lib/time';

import { loadConfig } from './config';
import { createTemporalClient } from './temporal/connect';
import { registerSearchAttributes } from './temporal/search-attributes';

/** How long a closed run stays to be looked at. Payouts themselves are kept in PostgreSQL. */
const RETENTION = '30 days';

/** A server knows a new namespace in all its parts only after its caches were read again. */
const PATIENCE_MS = 60_000;

const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

/** Creates the namespace of TEMPORAL_NAMESPACE where it is missing, and our search attributes in it; may be repeated. */
async function main(): Promise<void> {
  const client = createTemporalClient(loadConfig(process.env), {});
  const { workflowService, options } = client;
  const { namespace } = options;
  const isThere = await unlessCode(NOT_FOUND, workflowService.describeNamespace({ namespace }));
  if (!isThere) {
    const request = { namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION) };
    await unlessCode(ALREADY_EXISTS, workflowService.registerNamespace(request));
  }
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await unlessCode(NOT_FOUND, registerSearchAttributes(client)))) {
    if (Date.now() > deadline) throw new Error(`the namespace ${namespace} was created but does not become known`);
    await sleep(1_000);
  }
  process.stdout.write(`namespace ${namespace} ${isThere ? 'was there' : 'created'}; search attributes registered\n`);
  await client.connection.close();
}

/** True when the call succeeds, false when it fails with this gRPC status; other failures are thrown on. */
async function unlessCode(code: number, call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    (error: unknown) => {
      if ((error as { code?: number }).code === code) return false;
      throw error;
    },
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
