import { createHmac, randomUUID } from 'node:crypto';

import Ajv from 'ajv/dist/2020';
import type { ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Pool } from 'pg';
import { pino } from 'pino';

import { createApp } from '../../src/api/app';
import { createBulkWatches } from '../../src/api/bulk-stream/watches';
import type { ParsedCallback } from '../../src/domain/callback';
import type { ApiDeps } from '../../src/api/deps';
import { createApiMetrics } from '../../src/api/metrics';
import type { PayoutRuns } from '../../src/api/payout-runs';
import { startApiServer } from '../../src/api/server';
import { createApiKey } from '../../src/db/api-keys';
import { newId } from '../../src/db/ids';
import { findPayout } from '../../src/db/payout-rows';
import { createPool } from '../../src/db/pool';
import { insertRetryCheck } from '../../src/db/retry-checks';
import type { RetryVerdict } from '../../src/db/retry-checks';
import { createSearches } from '../../src/db/searches';
import type { Searches } from '../../src/db/searches';
import type { Environment } from '../../src/domain/environment';
import type { Sealing } from '../../src/domain/sealing';
import { addPerson, verifyPersons } from './persons';
import { createTestDatabase } from './postgres';

/** What the API asked the engine to do, in order; answers of the engine can be set. */
export interface RecordingRuns extends PayoutRuns {
  calls: string[];
  /** While true every call fails, as with Temporal stopped. */
  isDown: boolean;
  /** What the look-ups before a retry give, and where it is written. */
  retryAnswer: RetryVerdict | 'unavailable';
  database: Pool | null;
  /** Runs inside `checkRetry`, before it answers. */
  whileChecking: () => Promise<void>;
}

export function createRecordingRuns(): RecordingRuns {
  const record = (call: string): Promise<void> => {
    runs.calls.push(call);
    return runs.isDown ? Promise.reject(new Error('the engine is down')) : Promise.resolve();
  };
  const runs: RecordingRuns = {
    calls: [],
    isDown: false,
    retryAnswer: 'clear',
    database: null,
    whileChecking: () => Promise.resolve(),
    start: (payout) => record(`start ${payout.id} ${payout.state} ${payout.method} ${payout.provider}`),
    ensureBulk: (bulkId) => record(`bulk ${bulkId}`),
    bulkDecided: ({ id, version }) => record(`bulk decided ${id}/${version}`),
    signalChanged: (payoutId) => record(`changed ${payoutId}`),
    signalReported: (payoutId, callbackId) => record(`reported ${payoutId} ${callbackId}`),
    async progress(payoutId) {
      await record(`progress ${payoutId}`);
      return { step: 'poll', nextAt: '2030-01-01T00:00:00.000Z', attempt: 3 };
    },
    async checkRetry({ payoutId, provider }) {
      runs.calls.push(`check ${payoutId} ${provider}`);
      await runs.whileChecking();
      const { database, retryAnswer } = runs;
      const payout = database && (await findPayout(database, payoutId));
      if (!payout || runs.isDown || retryAnswer === 'unavailable') return;
      await insertRetryCheck(database, payout, retryAnswer);
    },
    providerBalance: () =>
      Promise.resolve(runs.isDown ? null : { amount: '4242', currency: 'XOF', at: '2030-01-01T00:00:00.000Z' }),
  };
  return runs;
}

/** Seals by tagging with tenant and purpose: enough to see that a value opens only where it belongs. */
export function createMemorySealing(): Sealing {
  const head = (merchantId: string, purpose: string): string => `sealed|${merchantId}|${purpose}|`;
  return {
    seal: (merchantId, purpose, plain) =>
      Promise.resolve(Buffer.from(head(merchantId, purpose) + Buffer.from(plain).toString('base64'))),
    open(merchantId, purpose, sealed) {
      const text = sealed.toString();
      if (!text.startsWith(head(merchantId, purpose))) return Promise.reject(new Error('sealed for another purpose'));
      return Promise.resolve(Buffer.from(text.slice(head(merchantId, purpose).length), 'base64').toString());
    },
    fingerprint: (merchantId, purpose, plain) =>
      Promise.resolve(createHmac('sha256', 'test').update(`${merchantId}|${purpose}|${plain}`).digest()),
  };
}

/** What tests read of a body; whether it is there is held against the OpenAPI document, or by the test itself. */
export interface ApiBody {
  id: string;
  state: string;
  attempt: number;
  version: number;
  code: string;
  detail: string;
  request_id: string;
  errors: { pointer?: string; parameter?: string; detail: string }[];
  data: Record<string, unknown>[];
  next_cursor: string | null;
  secret: string;
  payloads: { metadata: Record<string, string>; data: string }[];
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  body: ApiBody;
  /** The body as it came. */
  text: string;
}

export interface ApiRequest {
  key?: string;
  idempotencyKey?: string;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer | FormData;
  headers?: Record<string, string>;
}

export interface TestApp {
  url: string;
  port: number;
  databaseUrl: string;
  pool: Pool;
  deps: ApiDeps;
  runs: RecordingRuns;
  sealing: Sealing;
  /** Lines that the API logged, as JSON text. */
  logLines: string[];
  /** Sends a request; every answer is held against the OpenAPI document. */
  request(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>;
  /** Sets what the next callbacks are parsed to. */
  onCallback(parse: ApiDeps['parseCallback']): void;
  close(): Promise<void>;
}

/** Of the product's environment. */
export type TestLimits = Partial<ApiDeps['config'] & { REQUEST_TIMEOUT_MS: number; SEARCH_LIMIT_MS: number }>;

/** The API over a database of its own, by real HTTP. */
export async function startTestApp(
  overrides: Partial<ApiDeps> = {},
  { REQUEST_TIMEOUT_MS = 2_000, SEARCH_LIMIT_MS: limitMs = 10_000, ...limits }: TestLimits = {},
): Promise<TestApp> {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 10, onIdleError: () => undefined });
  const onIdleError = (): void => undefined;
  const { pool: given = pool } = overrides;
  // A test that brings its pool has its payouts there.
  const searches: Searches =
    given === pool
      ? createSearches({ databaseUrl: database.url, size: 4, limitMs, onIdleError })
      : { run: (_caller, work) => work(given), close: () => Promise.resolve() };
  const runs = Object.assign(createRecordingRuns(), { database: given });
  const sealing = createMemorySealing();
  const logLines: string[] = [];
  let parseCallback: ApiDeps['parseCallback'] = (): ParsedCallback => ({ authentic: false, why: 'not set' });
  const logger = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) });
  const deps: ApiDeps = {
    pool,
    searches,
    exports: given,
    bulks: given,
    logger,
    config: {
      PUBLIC_URL: 'http://127.0.0.1:3000',
      TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
      ALLOW_LOOPBACK_WEBHOOKS: true,
      ALLOW_LOOPBACK_CODEC: false,
      BULK_MAX_LINES: 100_000,
      BULK_MAX_BYTES: 67_108_864,
      BULK_DUPLICATE_DAYS: 7,
      BULK_APPROVAL_HOURS: 72,
      BULK_CHUNK_SIZE: 500,
      ORANGE_BULK: 'lines',
      BODY_LIMIT_BYTES: 20_000,
      MAX_STARTS_IN_FLIGHT: 10,
      ...limits,
    },
    sealing,
    runs,
    parseCallback: (provider, raw, secrets) => parseCallback(provider, raw, secrets),
    parseBatchCallback: () => ({ authentic: false, why: 'not set' }),
    payloadCodec: {
      encode: (payloads) => Promise.resolve(payloads),
      decode: (payloads) => Promise.resolve(payloads),
    },
    metrics: createApiMetrics(),
    watches: createBulkWatches({ pool, logger, sealing }),
    readiness: {
      database: () => pool.query('select 1').then(() => true),
      temporal: () => Promise.resolve(!runs.isDown),
    },
    ...overrides,
  };
  const server = await startApiServer({
    app: createApp(deps),
    host: '127.0.0.1',
    port: 0,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  const url = `http://127.0.0.1:${server.port}`;
  const documented = createAnswerCheck(await (await fetch(`${url}/openapi.json`)).json());

  return {
    url,
    port: server.port,
    databaseUrl: database.url,
    pool,
    deps,
    runs,
    sealing,
    logLines,
    onCallback: (parse) => (parseCallback = parse),
    async request(method, path, { key, idempotencyKey, body, raw, headers = {} } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          ...((body === undefined && raw === undefined) || raw instanceof FormData
            ? {}
            : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: raw ?? (body === undefined ? null : JSON.stringify(body)),
      });
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      const parsed = text === '' ? null : type.includes('json') ? (JSON.parse(text) as unknown) : text;
      documented(method, path, response.status, type, parsed);
      return { status: response.status, headers: response.headers, body: parsed as ApiBody, text };
    },
    async close() {
      deps.watches.close();
      await server.close(1_000);
      await searches.close();
      await pool.end();
      await database.close();
    },
  };
}

interface OpenApi {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema?: object }> }> }>
  >;
}

/** Throws for an answer that the document does not foresee: unknown status, media type, or a body of another shape. */
export function createAnswerCheck(document: unknown) {
  const { paths } = document as OpenApi;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema(document as object, 'openapi');
  const validators = new Map<string, ValidateFunction>();
  const validatorAt = (place: readonly string[]): ValidateFunction => {
    const escaped = [...place, 'schema'].map((part) =>
      encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
    );
    const $ref = `openapi#/paths/${escaped.join('/')}`;
    const validate = validators.get($ref) ?? ajv.compile({ $ref });
    validators.set($ref, validate);
    return validate;
  };
  const patterns = Object.keys(paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (method: string, address: string, status: number, type: string, body: unknown): void => {
    const path = patterns.find(({ pattern }) => pattern.test(address.split('?')[0] ?? ''))?.path;
    const operation = path === undefined ? undefined : paths[path]?.[method.toLowerCase()];
    if (path === undefined || !operation) {
      if (status === 404 || status === 405 || status === 401) return;
      throw new Error(`${method} ${address} is not in the OpenAPI document`);
    }
    const answer = operation.responses[String(status)];
    if (!answer) throw new Error(`${method} ${path}: ${status} is not documented: ${JSON.stringify(body)}`);
    if (body === null) return;
    const mediaType = type.split(';')[0] ?? '';
    const content = answer.content?.[mediaType];
    if (!content) throw new Error(`${method} ${path}: ${status} with ${mediaType} is not documented`);
    if (!content.schema) return;
    const validate = validatorAt([path, method.toLowerCase(), 'responses', String(status), 'content', mediaType]);
    if (!validate(body)) throw new Error(`${method} ${path}: ${status}: ${ajv.errorsText(validate.errors)}`);
  };
}

export interface TestMerchant {
  id: string;
  environment: Environment;
  key: string;
  credentialId: string;
}

/** A merchant with a key, an Orange credential and a float of XOF. */
export async function seedMerchant(
  pool: Pool,
  {
    float = 1_000_000n,
    environment = 'sandbox',
    credential = true,
  }: { float?: bigint; environment?: Environment; credential?: boolean } = {},
): Promise<TestMerchant> {
  const id = newId('mer');
  const credentialId = newId('cred');
  await pool.query('insert into merchants (id, name) values ($1, $1)', [id]);
  await addPerson(pool, 'per_shop');
  const { key } = await createApiKey(pool, {
    role: 'merchant',
    merchantId: id,
    environment,
    subject: { kind: 'system', systemId: 'shop', responsiblePersonId: 'per_shop' },
  });
  if (credential) {
    await pool.query(
      `insert into credentials (id, merchant_id, environment, provider, operator, transaction_type, role,
         account_number, id_type, secret_enc, pin_enc)
       values ($1, $2, $3, 'orange', 'orange_sn', 'payout', 'primary', '770000001', 'MSISDN', '', '')`,
      [credentialId, id, environment],
    );
  }
  if (float > 0n) {
    await pool.query('select top_up_float($1, $2, $3, $4, $5)', [id, environment, 'XOF', float, randomUUID()]);
  }
  return { id, environment, key, credentialId };
}

export async function seedOperator(pool: Pool): Promise<{ personId: string; key: string }> {
  const personId = newId('per');
  await verifyPersons(pool, personId);
  const { key } = await createApiKey(pool, { role: 'operator', subject: { kind: 'person', personId } });
  return { personId, key };
}

/** A good request for a payout, with changes. */
export function payoutRequest(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    amount: 5_000,
    currency: 'XOF',
    description: 'Salary of May',
    method: 'orange_sn',
    recipient: { msisdn: '771234567' },
    customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
    ...changes,
  };
}
