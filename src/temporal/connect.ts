import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';

/** The part of the configuration that says where Temporal is. */
export interface ConnectionConfig {
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_TLS: boolean;
  TEMPORAL_API_KEY?: string | undefined;
}

function connectionOptions(config: ConnectionConfig): { address: string; tls?: boolean; apiKey?: string } {
  return {
    address: config.TEMPORAL_ADDRESS,
    ...(config.TEMPORAL_TLS ? { tls: true } : {}),
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  };
}

/** A client whose connection is made at its first call, so that an API starts and accepts while Temporal is down. */
export function createTemporalClient(config: ConnectionConfig, dataConverter: DataConverter): Client {
  const connection = Connection.lazy(connectionOptions(config));
  return new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    dataConverter,
    // A closed run answers no question about what it does next: the database tells where its payout stands.
    workflow: { queryRejectCondition: 'NOT_OPEN' },
  });
}

/** The worker's own connection; throws where Temporal cannot be reached. */
export async function connectWorker(config: ConnectionConfig): Promise<NativeConnection> {
  return await NativeConnection.connect(connectionOptions(config));
}
