import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/contract';

export interface DevServerOptions {
  /** The Temporal CLI. */
  executable: string;
  /** gRPC port on 127.0.0.1. It must be free: a server that finds it taken ends, and the old one would answer. */
  port: number;
  /** File that keeps everything over restarts; in memory without it. */
  databaseFile?: string;
  /** Web UI on 127.0.0.1; none without it. `codecEndpoint` lets the UI show decoded payloads. */
  ui?: { port: number; codecEndpoint?: string };
}

/** How to run a Temporal dev server and to know that it serves. */
export interface DevServer {
  name: 'temporal';
  command: string;
  args: string[];
  port: number;
  address: string;
  ready: () => Promise<boolean>;
}

/**
 * Timers of the dev server are never under one second without the first key; fairness keys count only with the
 * second, and exactly only with one partition. The last one closes the HTTP API, which nothing of ours calls (SDK and UI
 * speak gRPC): it asks for no credential, so any web page in a browser on this machine could start workflows by it.
 */
const DYNAMIC_CONFIG: readonly string[] = [
  'history.timerProcessorMaxTimeShift="50ms"',
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'frontend.httpAllowedHosts=[]',
];

/** Health status of gRPC's standard health check. */
const SERVING = 1;

/** Describes a dev server on 127.0.0.1 with the namespace `default` and our search attributes; starts nothing. It ends on SIGTERM. */
export function describeDevServer(options: DevServerOptions): DevServer {
  const { executable, port, databaseFile, ui } = options;
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'];
  if (databaseFile !== undefined) {
    // Without WAL each payout costs 6 MB of disk writes.
    const pragmas = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
    args.push('--db-filename', databaseFile, ...pragmas);
  }
  if (ui) {
    args.push('--ui-ip', '127.0.0.1', '--ui-port', String(ui.port), '--ui-disable-news-fetch');
    if (ui.codecEndpoint !== undefined) args.push('--ui-codec-endpoint', ui.codecEndpoint);
  } else {
    args.push('--headless');
  }
  for (const value of DYNAMIC_CONFIG) args.push('--dynamic-config-value', value);
  for (const name of SEARCH_ATTRIBUTES) args.push('--search-attribute', `${name}=Keyword`);
  const address = `127.0.0.1:${port}`;
  return { name: 'temporal', command: executable, args, port, address, ready: () => isServing(address) };
}

/** True when the service at `address` answers its health check and knows the namespace; never throws. */
export async function isServing(address: string, namespace = 'default'): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '2s' });
    try {
      return await connection.withDeadline(Date.now() + 2_000, async () => {
        const health = await connection.healthService.check({
          service: 'temporal.api.workflowservice.v1.WorkflowService',
        });
        await connection.workflowService.describeNamespace({ namespace });
        return (health.status as number) === SERVING;
      });
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
