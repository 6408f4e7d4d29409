import type { PayloadCodec } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Pool } from 'pg';

import type { CallbackSecrets, ParsedCallback, RawCallback } from '../domain/callback';
import type { ProviderId } from '../domain/methods';
import type { Sealing } from '../domain/sealing';
import type { ApiMetrics } from './metrics';
import type { PayoutRuns } from './payout-runs';

/** A provider's way to read its callbacks; the connectors bring it, and the API sees none of them. */
export type CallbackParser = (provider: ProviderId, raw: RawCallback, secrets: CallbackSecrets) => ParsedCallback;

/** The part of the configuration that requests depend on, by its names there. */
export interface ApiConfig {
  PUBLIC_URL: string;
  TEMPORAL_UI_URL: string;
  CODEC_TOKEN?: string | undefined;
  ALLOW_LOOPBACK_WEBHOOKS: boolean;
  BODY_LIMIT_BYTES: number;
}

/** Everything that the API is built from. */
export interface ApiDeps {
  pool: Pool;
  logger: Logger;
  config: ApiConfig;
  sealing: Sealing;
  runs: PayoutRuns;
  parseCallback: CallbackParser;
  payloadCodec: PayloadCodec;
  metrics: ApiMetrics;
  /** What must hold for the process to be ready, by name; each answers within its own time limit. */
  readiness: Readonly<Record<string, () => Promise<boolean>>>;
}
