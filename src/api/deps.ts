import type { PayloadCodec } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Pool } from 'pg';

import type { CallbackSecrets, ParsedBatchCallback, ParsedCallback, RawCallback } from '../domain/callback';
import type { AcceptResult, NewPayout } from '../db/accept-payout';
import type { Db } from '../db/pool';
import type { Searches } from '../db/searches';
import type { Environment } from '../domain/environment';
import type { PayoutStart } from '../domain/payout-start';
import type { ProviderId } from '../domain/methods';
import type { Principal } from '../domain/principal';
import type { Sealing } from '../domain/sealing';
import type { BulkWatches } from './bulk-stream/watches';
import type { ApiMetrics } from './metrics';
import type { PayoutRuns } from './payout-runs';

/** A provider's way to read its callbacks; the connectors bring it, and the API sees none of them. */
export type CallbackParser = (provider: ProviderId, raw: RawCallback, secrets: CallbackSecrets) => ParsedCallback;

/** The same for the callback of a batch. */
export type BatchCallbackParser = (
  provider: ProviderId,
  raw: RawCallback,
  secrets: CallbackSecrets,
) => ParsedBatchCallback;

/** The part of the configuration that requests depend on, by its names there. */
export interface ApiConfig {
  PUBLIC_URL: string;
  TEMPORAL_UI_URL: string;
  CODEC_TOKEN?: string | undefined;
  ALLOW_LOOPBACK_CODEC: boolean;
  ALLOW_LOOPBACK_WEBHOOKS: boolean;
  BODY_LIMIT_BYTES: number;
  MAX_STARTS_IN_FLIGHT: number;
  BULK_MAX_LINES: number;
  BULK_MAX_BYTES: number;
  BULK_DUPLICATE_DAYS: number;
  BULK_APPROVAL_HOURS: number;
  BULK_CHUNK_SIZE: number;
  ORANGE_BULK: 'lines' | 'native';
  ORANGE_REQUESTS_PER_MINUTE?: number | undefined;
}

/** Everything that the API is built from. */
export interface ApiDeps {
  pool: Pool;
  /** For lists and searches, whose cost depends on the caller's filter. */
  searches: Searches;
  /** For files that are read from PostgreSQL page by page while they are sent, for as long as the client takes. */
  exports: Db;
  /** For statements over all lines of a bulk, which may take longer than those of `pool`. */
  bulks: Pool;
  logger: Logger;
  config: ApiConfig;
  sealing: Sealing;
  runs: PayoutRuns;
  parseCallback: CallbackParser;
  parseBatchCallback: BatchCallbackParser;
  payloadCodec: PayloadCodec;
  metrics: ApiMetrics;
  watches: BulkWatches;
  /** What must hold for the process to be ready, by name; each answers within its own time limit. */
  readiness: Readonly<Record<string, () => Promise<boolean>>>;
}

/** What many requests at once share, made once per app. */
export interface SharedWork {
  /** Accepts a payout together with those that come at the same time. */
  accept: (payout: NewPayout) => Promise<AcceptResult>;
  /** Starts the payout's run soon; never awaited, since a payout without a run is taken up by the sweeper. */
  startRun: (payout: PayoutStart) => void;
  findPrincipal: (key: string) => Promise<Principal | null>;
  findRouteCredential: (route: {
    merchantId: string;
    environment: Environment;
    operator: string;
  }) => Promise<string | null>;
}

/** Everything that a route may use. */
export interface RouteDeps extends ApiDeps, SharedWork {}
