import { z } from 'zod';
import { BULK_CALLBACK_FAULTS } from './bulk/bulk-callback-faults';
import { reportBulks, type BulkReport } from './bulk/bulk-report';
import { BULK_SCENARIOS } from './bulk/bulk-scenarios';
import type { CallbackAttempt } from './callback-log';
import { HOLD_POINTS, type HoldPoint, type HoldStatus } from './holds';
import { runtimePatchSchema, type RuntimeConfig, type RuntimePatch } from './options';
import type { Parts } from './parts';
import { reportReferences, type ReferenceReport } from './references';
import type { RequestCountsBody } from './request-counts';
import type { Credit, Row } from './state';

export const configBodySchema = runtimePatchSchema.extend({
  /** References whose rows are kept out of, or honestly shown in, the search from now on. */
  hideReferences: z.array(z.string()).optional(),
  showReferences: z.array(z.string()).optional(),
});
export type ConfigBody = z.infer<typeof configBodySchema>;

export const accountBodySchema = z.strictObject({
  msisdn: z.string().regex(/^\d{9}$/),
  code: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
  type: z.enum(['customer', 'retailer', 'merchant']).optional(),
  pin: z.string().min(1).max(32).optional(),
  /** The balance becomes this many whole XOF. */
  float: z.number().int().min(0).optional(),
  ceiling: z.number().int().min(0).nullable().optional(),
  suspended: z.boolean().optional(),
  /** true: every call with the right PIN is answered 2010 until the PIN is changed. */
  mustChangePin: z.boolean().optional(),
  /** true: blocked as after three wrong PINs; false: tries start again. */
  blocked: z.boolean().optional(),
});
export type AccountBody = z.infer<typeof accountBodySchema>;

export const holdBodySchema = z.strictObject({
  point: z.enum(HOLD_POINTS),
  /** How many calls are stopped; null: all. */
  count: z.number().int().min(1).nullable().default(1),
});
export type HoldBody = z.input<typeof holdBodySchema>;

export const nextBulksBodySchema = z.strictObject({
  /** What the next batches get, one after another, whatever their first recipient and the rates. */
  bulks: z.array(
    z.strictObject({
      scenario: z.enum(BULK_SCENARIOS.map(({ name }) => name)).default('bulk_default'),
      /** Absent: as the scenario or the rates have it. */
      callbackFault: z.enum(BULK_CALLBACK_FAULTS).nullable().default(null),
    }),
  ),
});
export type NextBulksBody = z.input<typeof nextBulksBodySchema>;

export interface LedgerReport {
  readonly credits: readonly Credit[];
  /** Whole XOF by msisdn. */
  readonly balances: Readonly<Record<string, number>>;
  readonly issued: number;
  readonly inFlight: number;
  /** All balances and reservations together are what was issued. */
  readonly sumsToZero: boolean;
}

export interface TransactionsReport {
  readonly transactions: readonly Row[];
  readonly references: readonly ReferenceReport[];
  /** References whose truth the public API never reveals, or only in contradiction. */
  readonly undecidable: readonly { readonly reference: string; readonly revealed: 'never' | 'contradictory' }[];
}

export interface RequestsReport extends RequestCountsBody {
  /** Requests that the limit per minute refused, since this process started or was reset. */
  readonly throttled: number;
  /** Cash-in requests and lines of bulks by reference; these survive a restart. */
  readonly cashInsByReference: Readonly<Record<string, number>>;
  /** Cash-ins and lines that came as far as a scenario, by its name; these survive a restart. */
  readonly cashInsByScenario: Readonly<Record<string, number>>;
  /** Batches that came as far as a scenario, by its name; these survive a restart. */
  readonly bulksByScenario: Readonly<Record<string, number>>;
}

/** What tests and judges may see and do; the same as the /_sim endpoints. */
export interface OrangeSimulatorControl {
  ledger(): LedgerReport;
  transactions(): TransactionsReport;
  /** Every bulk call in order of arrival. */
  bulks(): readonly BulkReport[];
  requests(): RequestsReport;
  callbacks(): readonly CallbackAttempt[];
  config(): RuntimeConfig;
  configure(body: ConfigBody): void;
  rollKey(): Promise<void>;
  expireTokens(): void;
  putAccount(body: AccountBody): void;
  /** Plans what the next batches get; added to what is planned already. */
  planBulks(body: NextBulksBody): void;
  hold(body: HoldBody): void;
  /** Lets go who stands at the point (or at any) and disarms it. Returns how many went on. */
  release(point?: HoldPoint): number;
  holds(): Record<HoldPoint, HoldStatus>;
  reset(): void;
}

export function createControl(parts: Parts): OrangeSimulatorControl {
  const { store, counts, holds, tokens, keyRing, callbackLog, rateLimit } = parts;
  return {
    ledger: () => {
      const { credits, accounts, issued, inFlight } = store.state();
      const balances = Object.fromEntries([...accounts.values()].map(({ msisdn, balance }) => [msisdn, balance]));
      const total = Object.values(balances).reduce((sum, balance) => sum + balance, inFlight);
      return { credits, balances, issued, inFlight, sumsToZero: total === issued };
    },
    transactions: () => {
      const references = reportReferences(store.state());
      const undecidable = references.flatMap(({ reference, revealed }) =>
        revealed === 'never' || revealed === 'contradictory' ? [{ reference, revealed }] : [],
      );
      return { transactions: store.state().rows, references, undecidable };
    },
    requests: () => {
      const { submissions, bulkCalls } = store.state();
      return {
        ...counts.body(),
        throttled: rateLimit.refused(),
        cashInsByReference: countBy(submissions.map(({ reference }) => reference)),
        cashInsByScenario: countBy(submissions.map(({ scenario }) => scenario)),
        bulksByScenario: countBy(bulkCalls.map(({ scenario }) => scenario)),
      };
    },
    bulks: () => reportBulks(store.state()),
    callbacks: () => callbackLog.attempts(),
    config: () => store.state().config,
    configure: ({ hideReferences, showReferences, ...patch }) => {
      if (Object.keys(patch).length > 0) store.record({ e: 'configured', patch: patch satisfies RuntimePatch });
      for (const reference of hideReferences ?? []) store.record({ e: 'shown', reference, shown: false });
      for (const reference of showReferences ?? []) store.record({ e: 'shown', reference, shown: true });
    },
    rollKey: () => keyRing.roll(),
    expireTokens: () => tokens.expireAll(),
    putAccount: ({ float, blocked, ...change }) => {
      const { msisdn } = change;
      const known = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      store.record({ ...known, e: 'account', msisdn });
      if (float !== undefined) {
        const balance = store.state().accounts.get(msisdn)?.balance ?? 0;
        store.record({ e: 'float_issued', msisdn, amount: float - balance });
      }
      if (blocked !== undefined || change.pin !== undefined) {
        store.record({ e: 'pin_tries', msisdn, wrong: blocked === true ? 3 : 0 });
      }
    },
    planBulks: (body) => {
      const { bulks } = nextBulksBodySchema.parse(body);
      store.record({ e: 'bulks_planned', bulks });
    },
    hold: (body) => {
      const { point, count } = holdBodySchema.parse(body);
      holds.arm(point, count);
    },
    release: (point) => holds.release(point),
    holds: () => holds.status(),
    reset: () => {
      store.reset();
      counts.reset();
      callbackLog.reset();
      rateLimit.reset();
    },
  };
}

function countBy(names: readonly (string | null)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) if (name !== null) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
