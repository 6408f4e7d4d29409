import { z } from 'zod';
import { BULK_CALLBACK_FAULTS } from './bulk/bulk-callback-faults';
import { BULK_FAULT_NAMES, type BulkScenarioName } from './bulk/bulk-scenarios';
import { CALLBACK_FAULTS } from './callback-faults';
import { FAULT_NAMES, type ScenarioName } from './scenarios';

/** Endpoints other than cash-in (whose faults are scenarios) that can be made to fail by rate. */
export const FAULTY_ENDPOINTS = ['token', 'publicKey', 'profile', 'balance', 'changePin', 'search', 'status'] as const;
export type FaultyEndpoint = (typeof FAULTY_ENDPOINTS)[number];

/** `lost` ends the connection before anything is done, `lost_after` after it was done. */
export const ENDPOINT_FAULTS = [
  'error_500',
  'error_503',
  'unauthorized',
  'throttled',
  'lost',
  'lost_after',
  'malformed',
] as const;
export type EndpointFault = (typeof ENDPOINT_FAULTS)[number];

const msisdn = z.string().regex(/^\d{9}$/);
const amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const rate = z.number().min(0).max(1);
const milliseconds = z.number().int().min(0).max(86_400_000);

function rates<N extends string>(names: readonly N[]) {
  return z
    .partialRecord(z.enum(names), rate)
    .refine((given) => Object.values<number | undefined>(given).reduce<number>((sum, r) => sum + (r ?? 0), 0) <= 1, {
      message: 'the rates add up to more than 1',
    });
}

const clientSchema = z.strictObject({
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Codes (6 digits) of the retailer accounts that this client may use; '*': all. */
  retailerCodes: z.union([z.literal('*'), z.array(z.string().regex(/^\d{6}$/))]),
});

const accountSchema = z.strictObject({
  msisdn,
  /** 6 digits, as in the callback registration. */
  code: z.string().regex(/^\d{6}$/),
  pin: z.string().min(1).max(32),
  /** Whole XOF. */
  float: amount,
});

const runtimeSchema = z.strictObject({
  settlementDelayMs: milliseconds,
  /** Requests per client in any 60 s; null: no limit. */
  rateLimitPerMinute: z.number().int().min(1).nullable(),
  tokenLifeSeconds: z.number().min(0.01).max(86_400),
  faults: rates<ScenarioName>(FAULT_NAMES),
  endpointFaults: z.partialRecord(z.enum(FAULTY_ENDPOINTS), rates(ENDPOINT_FAULTS)),
  /** The live search answers [] whenever `type` is given; false repairs it. */
  typeFilterBroken: z.boolean(),
  /** Every row is kept out of the search while true. */
  hideAllRows: z.boolean(),
  callbacks: z.strictObject({
    enabled: z.boolean(),
    /** Key of the signature; null: Orange issued none and no signature is sent. */
    secret: z.string().min(1).nullable(),
    faults: rates(CALLBACK_FAULTS),
    /** Live answers a registration with an empty body, the specification with the object. */
    emptyRegistrationBody: z.boolean(),
    /** Live lists the registered apiKey in clear, the specification says never. */
    echoApiKey: z.boolean(),
  }),
  bulk: z.strictObject({
    /** More lines than this refuse the call. */
    maxItems: z.number().int().min(1).max(100_000),
    /** From taking a batch to its first line. */
    processingMs: milliseconds,
    /** From one line to the next. */
    itemMs: milliseconds,
    /** One wrong PIN refuses the whole call, with a problem (`error`) or with 200 and status REJECTED (`rejected`). */
    wrongPin: z.enum(['error', 'rejected']),
    /** False: no batch reports its end. */
    callbacks: z.boolean(),
    faults: rates<BulkScenarioName>(BULK_FAULT_NAMES),
    callbackFaults: rates(BULK_CALLBACK_FAULTS),
  }),
  /** https host → base URL of the loopback server that gets its callbacks; other hosts are never contacted. */
  httpsHostMap: z.record(
    z.string(),
    z.string().regex(/^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+$/, 'must be http://<loopback>:<port>'),
  ),
  timings: z.strictObject({
    slowAnswerMs: milliseconds,
    lateRowMs: milliseconds,
    /** Settlement delay of scenarios that are pending first, where settlementDelayMs is 0. */
    pendingMs: milliseconds,
    lateCallbackMs: milliseconds,
    /** First wait before a callback is sent again; doubles each time, 6 tries. */
    callbackRetryMs: milliseconds,
  }),
});

/** What can be changed while the simulator runs (POST /_sim/config). */
export type RuntimeConfig = z.infer<typeof runtimeSchema>;

/** A change of the runtime configuration; `callbacks`, `bulk` and `timings` are merged, the rest replaced. */
export const runtimePatchSchema = runtimeSchema.partial().extend({
  callbacks: runtimeSchema.shape.callbacks.partial().optional(),
  bulk: runtimeSchema.shape.bulk.partial().optional(),
  timings: runtimeSchema.shape.timings.partial().optional(),
});
export type RuntimePatch = z.infer<typeof runtimePatchSchema>;

const optionsSchema = runtimePatchSchema.extend({
  /** 0: a free one. Always bound to 127.0.0.1. */
  port: z.number().int().min(0).max(65_535).default(0),
  /** Append-only file from which the state is rebuilt at start; absent: memory only. */
  journalPath: z.string().min(1).optional(),
  seed: z.number().int().default(1),
  clients: z
    .array(clientSchema)
    .default([{ clientId: 'sandbox-client', clientSecret: 'sandbox-secret', retailerCodes: '*' }]),
  accounts: z.array(accountSchema).default([{ msisdn: '781234567', code: '123456', pin: '2468', float: 100_000_000 }]),
});

export type OrangeSimulatorOptions = z.input<typeof optionsSchema>;
export type SimulatorClient = z.infer<typeof clientSchema>;

export interface ResolvedOptions {
  readonly port: number;
  readonly journalPath: string | undefined;
  readonly seed: number;
  readonly clients: readonly SimulatorClient[];
  readonly accounts: readonly z.infer<typeof accountSchema>[];
  readonly runtime: RuntimeConfig;
}

const DEFAULT_RUNTIME: RuntimeConfig = {
  settlementDelayMs: 0,
  rateLimitPerMinute: 60,
  tokenLifeSeconds: 299,
  faults: {},
  endpointFaults: {},
  typeFilterBroken: true,
  hideAllRows: false,
  callbacks: { enabled: false, secret: null, faults: {}, emptyRegistrationBody: true, echoApiKey: true },
  bulk: {
    maxItems: 1_000,
    processingMs: 200,
    itemMs: 0,
    wrongPin: 'error',
    callbacks: true,
    faults: {},
    callbackFaults: {},
  },
  httpsHostMap: {},
  timings: { slowAnswerMs: 60_000, lateRowMs: 3_000, pendingMs: 200, lateCallbackMs: 2_000, callbackRetryMs: 500 },
};

/** Fills in the defaults. Throws one error that lists every invalid option. */
export function resolveOptions(options: OrangeSimulatorOptions): ResolvedOptions {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) throw new Error(`invalid simulator options\n${z.prettifyError(parsed.error)}`);
  const { port, journalPath, seed, clients, accounts, ...patch } = parsed.data;
  return { port, journalPath, seed, clients, accounts, runtime: mergeRuntime(DEFAULT_RUNTIME, patch) };
}

export function mergeRuntime(base: RuntimeConfig, patch: RuntimePatch): RuntimeConfig {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return {
    ...base,
    ...(given as Partial<RuntimeConfig>),
    callbacks: { ...base.callbacks, ...(given['callbacks'] as Partial<RuntimeConfig['callbacks']> | undefined) },
    bulk: { ...base.bulk, ...(given['bulk'] as Partial<RuntimeConfig['bulk']> | undefined) },
    timings: { ...base.timings, ...(given['timings'] as Partial<RuntimeConfig['timings']> | undefined) },
  };
}
