import { Client, Connection } from '@temporalio/client';

/** Something that the workflow did, as its history tells it. */
export interface RunStep {
  /** Position in the history; grows. */
  eventId: number;
  name: string;
  at: Date;
}

export interface RunReader {
  /** Steps after `eventId`; empty while the run does not exist. */
  stepsAfter: (eventId: number) => Promise<RunStep[]>;
  /** Id of the run; undefined while there is none. */
  runId: () => Promise<string | undefined>;
  close: () => Promise<void>;
}

/** Reads along with one workflow run. Names of activities lie in clear in a history; everything else stays encrypted. */
export async function createRunReader(address: string, namespace: string, workflowId: string): Promise<RunReader> {
  const connection = await Connection.connect({ address });
  const handle = new Client({ connection, namespace }).workflow.getHandle(workflowId);
  return {
    stepsAfter: async (after) => {
      const history = await handle.fetchHistory().catch(() => undefined);
      return (history?.events ?? []).flatMap((event) => {
        const eventId = Number(event.eventId);
        const marker = event.markerRecordedEventAttributes;
        const local =
          marker?.markerName === 'core_local_activity' ? marker.details?.['data']?.payloads?.[0]?.data : undefined;
        const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name;
        const name = scheduled ?? (local ? localActivityName(local) : undefined);
        if (!name || eventId <= after) return [];
        return [
          {
            eventId,
            name,
            at: new Date(Number(event.eventTime?.seconds ?? 0) * 1000 + (event.eventTime?.nanos ?? 0) / 1e6),
          },
        ];
      });
    },
    runId: () =>
      handle.describe().then(
        ({ runId }) => runId,
        () => undefined,
      ),
    close: () => connection.close(),
  };
}

function localActivityName(data: Uint8Array): string | undefined {
  const { activity_type: name } = JSON.parse(Buffer.from(data).toString('utf8')) as { activity_type?: string };
  return name;
}
