import type { Client } from '@temporalio/client';

/** The table that the Temporal UI shows for a run, by its first column. */
export async function currentDetailsOf(client: Client, workflowId: string): Promise<ReadonlyMap<string, string>> {
  const metadata = await client.workflow
    .getHandle(workflowId)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  const rows = (metadata.currentDetails ?? '').split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  return new Map(rows.map(([, name = '', value = '']) => [name, value]));
}
