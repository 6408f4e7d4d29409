import type { Client } from '@temporalio/client';

/** The events of all runs that were started since, each continuation counted too; to be asked when all are closed. */
export async function countEventsSince(client: Client, since: Date): Promise<number> {
  let events = 0;
  for await (const run of client.workflow.list({ query: `StartTime >= "${since.toISOString()}"` })) {
    events += run.historyLength;
  }
  return events;
}
