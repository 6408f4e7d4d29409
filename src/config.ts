import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const milliseconds = z.coerce
  .number()
  .int()
  .min(0)
  .max(30 * 24 * 3_600_000);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/**
 * Every environment variable that Cauri reads, with its default, unit and meaning. `.env.example` is generated from it
 * and a test holds the two equal. No secret and no outside host has a default.
 */
export const CONFIG_SCHEMA = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).describe('PostgreSQL 15 or newer.'),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(20).describe('Connections per process.'),
  SEARCH_POOL_SIZE: z.coerce
    .number()
    .int()
    .min(2)
    .max(50)
    .default(4)
    .describe(
      'Connections of an API process for lists and searches, apart from DATABASE_POOL_SIZE; one merchant has half.',
    ),
  SEARCH_LIMIT_MS: milliseconds
    .min(50)
    .max(30_000)
    .default(800)
    .describe('Milliseconds that a list or search may take before it is refused as too broad.'),
  EXPORT_POOL_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(4)
    .describe('Connections of an API process for files (result.csv, errors.csv), which are read page by page.'),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233').describe('host:port of the Temporal service.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace.'),
  TEMPORAL_TLS: flag.default(false).describe('true for Temporal Cloud and other TLS front ends.'),
  TEMPORAL_API_KEY: z.string().min(1).optional().describe('API key of Temporal Cloud.'),
  TASK_QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('cauri')
    .describe('Prefix of every task queue name.'),
  MASTER_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Master key, `<id>:<base64 of 32 bytes>`; the newest first, older ones after a comma.'),
  MASTER_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File with the same content as MASTER_KEY; made at the first start with mode 600 where it is missing.'),
  API_HOST: z.string().min(1).default('127.0.0.1').describe('Address that the API listens on.'),
  API_PORT: port.default(3000).describe('Port of the API; 0 takes a free one.'),
  PUBLIC_URL: z
    .url()
    .default('http://127.0.0.1:3000')
    .describe('How clients reach the API; used in links and in the OpenAPI document.'),
  TEMPORAL_UI_URL: z
    .url()
    .default('http://127.0.0.1:8233')
    .describe('Origin of the Temporal UI; the only one that CORS allows at /codec.'),
  CODEC_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Bearer token that /codec asks for; without it /codec is closed (see ALLOW_LOOPBACK_CODEC).'),
  ALLOW_LOOPBACK_CODEC: flag
    .default(false)
    .describe('true opens /codec without CODEC_TOKEN to callers on loopback; for development only.'),
  API_METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('Address of the API’s metrics server.'),
  API_METRICS_PORT: port
    .default(3004)
    .describe('Port of the API’s metrics server, apart from the one that clients call; 0 takes a free one.'),
  WORKER_SERVES: z
    .enum(['all', 'payouts', 'bulks'])
    .default('all')
    .describe(
      'What this worker process serves: `bulks`, the lines of bulk cash-ins; `payouts`, all the rest (every workflow, single payouts, webhooks); or `all`.',
    ),
  METRICS_HOST: z.string().min(1).default('127.0.0.1').describe('Address of the worker’s health and metrics server.'),
  METRICS_PORT: port.default(3003).describe('Port of the worker’s health and metrics server; 0 takes a free one.'),
  ORANGE_SANDBOX_URL: z
    .url()
    .describe(
      'Orange Money API of the sandbox environment: the sandbox host of the provider’s documentation, or the simulator.',
    ),
  ORANGE_LIVE_URL: z
    .url()
    .describe('Orange Money API of the live environment: another address than ORANGE_SANDBOX_URL.'),
  ALLOW_SHARED_PROVIDER_URL: flag
    .default(false)
    .describe(
      'true lets ORANGE_SANDBOX_URL and ORANGE_LIVE_URL be one address, such as a simulator’s; for development only.',
    ),
  ORANGE_CONNECT_TIMEOUT_MS: milliseconds
    .default(5_000)
    .describe('Milliseconds until a connection to Orange must stand.'),
  ORANGE_HEADERS_TIMEOUT_MS: milliseconds
    .default(20_000)
    .describe('Milliseconds until the answer’s headers must have come.'),
  ORANGE_BODY_TIMEOUT_MS: milliseconds.default(10_000).describe('Milliseconds until the answer’s body must have come.'),
  ORANGE_SETTLEMENT_WINDOW_MS: milliseconds
    .default(86_400_000)
    .describe('Milliseconds within which Orange promises a final status.'),
  ORANGE_REQUESTS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Requests per minute and account over all workers; unset: no limit of ours.'),
  ORANGE_RESEND_AFTER_MS: milliseconds
    .optional()
    .describe(
      'Milliseconds after a lost answer from which a payout that no look-up shows is sent once more under a new reference; unset: never. A request that was only slow is then paid twice, and becomes a review item.',
    ),
  SEND_BY_MARGIN_MS: milliseconds
    .default(10_000)
    .describe('Milliseconds after send_by before a submission without an outcome counts as unknown.'),
  LATE_CREDIT_WATCH_MS: milliseconds
    .default(86_400_000)
    .describe('Milliseconds after a refusal or a return for which late checks of that submission go on.'),
  LATE_CHECK_SHARE_PERCENT: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(10)
    .describe(
      'Part of an account’s requests that late checks get while payouts wait for them, at least and at most; the rest of the time they take what nobody asks for.',
    ),
  LATE_CHECK_OVERDUE_MS: milliseconds
    .default(21_600_000)
    .describe('Milliseconds after its time from which a late check is overdue, which is an alert.'),
  POLL_FIRST_MS: milliseconds.default(1_000).describe('First gap between two status calls; it grows to POLL_MAX_MS.'),
  POLL_AT_ONCE_MS: milliseconds
    .default(5_000)
    .describe(
      'For how long a payout that was just taken is polled beside its workflow, before the queue of its provider does.',
    ),
  POLL_MAX_MS: milliseconds.default(300_000).describe('Longest gap between two status calls or look-ups.'),
  BACK_OFF_FIRST_MS: milliseconds
    .default(2_000)
    .describe('First wait of a payout that could not be sent; it doubles to BACK_OFF_MAX_MS.'),
  BACK_OFF_MAX_MS: milliseconds.default(600_000).describe('Longest wait of a payout that could not be sent.'),
  SWEEP_EVERY_MS: milliseconds.default(5_000).describe('Gap between two rounds of the sweeper.'),
  SWEEP_RECHECK_MS: milliseconds
    .default(60_000)
    .describe('How often the sweeper makes sure that an open payout has a run.'),
  MAX_STARTS_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(10)
    .describe(
      'Workflow starts under way at once per API process; the others wait for their turn. 0: all are the sweeper’s.',
    ),
  WEBHOOK_TIMEOUT_MS: milliseconds
    .max(30_000)
    .default(5_000)
    .describe('Milliseconds that one webhook delivery may take.'),
  WEBHOOK_RETRY_FOR_MS: milliseconds
    .default(259_200_000)
    .describe('Milliseconds for which a webhook is tried again; at least three days in production.'),
  ALLOW_LOOPBACK_WEBHOOKS: flag
    .default(false)
    .describe('true lets webhooks go to loopback by plain HTTP; for development only.'),
  BODY_LIMIT_BYTES: z.coerce
    .number()
    .int()
    .min(1_024)
    .max(10_485_760)
    .default(102_400)
    .describe('Largest request body of the API, in bytes.'),
  BULK_MAX_LINES: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe('Lines that one bulk cash-in may have.'),
  BULK_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(67_108_864)
    .describe('Bytes that the lines of one bulk cash-in may have.'),
  BULK_DUPLICATE_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(365)
    .default(7)
    .describe('Days back in which the same recipient and amount in a bulk of the merchant refuses a line.'),
  ORANGE_BULK: z
    .enum(['lines', 'native'])
    .default('lines')
    .describe(
      'How lines of a bulk cash-in leave: each by a call of its own, or many together in Orange bulk calls, which call back below PUBLIC_URL (https).',
    ),
  BULK_APPROVAL_HOURS: z.coerce
    .number()
    .int()
    .min(1)
    .max(720)
    .default(72)
    .describe('Hours within which a bulk cash-in above its merchant’s threshold must be approved, or it is rejected.'),
  BULK_CHUNK_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(5_000)
    .default(500)
    .describe(
      'Lines of a bulk cash-in that one activity carries, and that leave in one call of a provider that has one.',
    ),
  BULK_CHUNKS_AT_ONCE: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(32)
    .describe('Chunks of one bulk cash-in that are under way at once; each mostly waits for the provider.'),
  BULK_CHUNKS_CALLING: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(4)
    .describe(
      'Of them those whose lines one worker sends at once, and those whose lines it asks for at once; the others wait their turn.',
    ),
  BULK_CHUNKS_PER_RUN: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(400)
    .describe(
      'Chunks that one run of a bulk cash-in carries before it continues as new, so that its history stays light.',
    ),
  BULK_MICRO_BATCH: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .default(64)
    .describe('Calls of one chunk under way at once: what a worker that dies leaves unknown.'),
  BULK_HAND_OVER_MOST: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe('Lines of one bulk cash-in that may get a run of their own, each for itself, where they take long.'),
  BULK_SLOW_AFTER_MS: milliseconds
    .default(30_000)
    .describe('Age of a line without a final answer from which it keeps its chunk from ending no longer.'),
  REQUEST_TIMEOUT_MS: milliseconds
    .default(120_000)
    .describe('Milliseconds that one API request may take to come in, a bulk of many lines among them.'),
  SHUTDOWN_GRACE_MS: milliseconds
    .default(30_000)
    .describe('Milliseconds that a stopping process gives to what is under way.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severity that is logged.'),
});

export type Config = Readonly<z.output<typeof CONFIG_SCHEMA>>;

/** Thrown by `loadConfig` with every problem at once; never carries a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/** Reads the configuration from an environment; an empty variable counts as unset. Throws `ConfigError`. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = CONFIG_SCHEMA.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (given['MASTER_KEY'] === undefined && given['MASTER_KEY_FILE'] === undefined) {
    problems.push('MASTER_KEY or MASTER_KEY_FILE: one of the two must be set');
  }
  if (given['ORANGE_BULK'] === 'native' && !given['PUBLIC_URL']?.startsWith('https://')) {
    problems.push(
      'PUBLIC_URL: must be an https address where ORANGE_BULK is native, since bulk calls are called back there',
    );
  }
  problems.push(...problemsOfProviderUrls(given));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(parsed.data);
}

/** The provider's own hosts, by its documentation: each serves one environment alone. */
const ORANGE_HOSTS = { sandbox: 'api.sandbox.orange-sonatel.com', live: 'api.orange-sonatel.com' } as const;

/** What would send one environment's credentials and money to the host of the other. */
function problemsOfProviderUrls(given: Readonly<Record<string, string | undefined>>): readonly string[] {
  const problems: string[] = [];
  if (given['ORANGE_BASE_URL'] !== undefined) {
    problems.push('ORANGE_BASE_URL: is no longer read; set ORANGE_SANDBOX_URL and ORANGE_LIVE_URL instead');
  }
  const [sandbox, live] = [addressOf(given['ORANGE_SANDBOX_URL']), addressOf(given['ORANGE_LIVE_URL'])];
  if (sandbox === null || live === null) return problems;
  if (sandbox.host === ORANGE_HOSTS.live) problems.push('ORANGE_SANDBOX_URL: is the live host of Orange');
  if (live.host === ORANGE_HOSTS.sandbox) problems.push('ORANGE_LIVE_URL: is the sandbox host of Orange');
  if (sandbox.whole === live.whole && given['ALLOW_SHARED_PROVIDER_URL'] !== 'true') {
    problems.push(
      'ORANGE_LIVE_URL: must be another address than ORANGE_SANDBOX_URL; with ALLOW_SHARED_PROVIDER_URL=true, for development only, they may be one',
    );
  }
  return problems;
}

/** An address as far as it tells one server from another, however it is spelled. */
function addressOf(url: string | undefined): { host: string; whole: string } | null {
  if (url === undefined || !URL.canParse(url)) return null;
  const { host, hostname, pathname } = new URL(url);
  const withoutDot = hostname.replace(/\.$/, '');
  return { host: withoutDot, whole: `${host.replace(hostname, withoutDot)}${pathname.replace(/\/+$/, '')}` };
}
