import { randomUUID } from 'node:crypto';
import { createOrangeProvider } from '../../src/providers/orange';
import type { OrangeOptions } from '../../src/providers/orange';
import { BULK_SCENARIOS, createOrangeSimulator, SCENARIOS } from '../../src/simulators/orange';
import type {
  BulkScenarioName,
  OrangeSimulator,
  OrangeSimulatorOptions,
  ScenarioName,
} from '../../src/simulators/orange';
import { startCallbackReceiver } from './callback-receiver';
import type { BulkSituation, BulkUnderTest, ProviderUnderTest, Situation } from './provider-under-test';

const HOST = 'callbacks.cauri.test';
const CALLBACK_SECRET = 'endpoint-secret';

export interface OrangeWorld extends ProviderUnderTest {
  simulator: OrangeSimulator;
  /** A recipient in E.164 that meets this scenario and was not used before. */
  recipientOf(scenario: ScenarioName): string;
  bulk: BulkUnderTest & {
    /** A first recipient in E.164 that gives its batch this scenario and headed none before. */
    headOf(scenario: BulkScenarioName): string;
  };
}

const SCENARIO_OF = {
  paid_at_once: 'success',
  paid_later: 'pending_success',
  refused: 'customer_unknown',
  refused_later: 'pending_failed',
  float_low: 'payer_balance_insufficient',
  throttled: 'throttled',
  lost_after_paid: 'lost_moved',
  lost_unpaid: 'lost_unmoved',
  reset_after_paid: 'reset_moved',
  error_after_paid: 'error_500_moved',
  redirect_after_paid: 'redirect_307_moved',
  slow_head_after_paid: 'slow_headers',
  slow_body_after_paid: 'slow_body',
  cut_after_paid: 'cut_body',
  malformed_after_paid: 'malformed_body',
  unknown_status_after_paid: 'unknown_status',
  other_reference_after_paid: 'other_reference',
} as const satisfies Record<Situation, ScenarioName>;

const BULK_SCENARIO_OF = {
  taken: 'bulk_default',
  rows_doubled: 'bulk_doubled_rows',
  pages_shifting: 'bulk_shifting_pages',
  throttled: 'bulk_throttled_once',
  access_refused: 'bulk_access_forbidden',
  stale_key: 'bulk_stale_key_once',
  refused_whole: 'bulk_rejected',
  refused_whole_though_half_is_paid: 'bulk_rejected_half',
  refused_for_what_may_be_one_line: 'bulk_payer_balance',
  lost_before_taken: 'bulk_lost_before',
  reset_before_taken: 'bulk_reset_before',
  error_before_taken: 'bulk_500_before',
  lost_after_taken: 'bulk_lost_after',
  reset_after_taken: 'bulk_reset_after',
  error_after_taken: 'bulk_500_after',
  unavailable_after_taken: 'bulk_503_after',
  redirect_after_taken: 'bulk_redirect_307_after',
  slow_head_after_taken: 'bulk_slow_headers',
  slow_body_after_taken: 'bulk_slow_body',
  malformed_after_taken: 'bulk_malformed_body',
  cut_after_taken: 'bulk_cut_body',
  empty_after_taken: 'bulk_empty_body',
  unknown_status_after_taken: 'bulk_unknown_status',
  nameless_after_taken: 'bulk_no_bulk_id',
  callback_forged: 'bulk_callback_forged',
  callback_contradictory: 'bulk_callback_contradictory',
  callback_of_another: 'bulk_callback_other_bulk_id',
} as const satisfies Record<BulkSituation, BulkScenarioName>;

/** Starts the simulator, without its rate limit, and the connector to it. */
export async function startOrangeWorld(
  options: Partial<OrangeOptions> = {},
  simulated: OrangeSimulatorOptions = {},
): Promise<OrangeWorld> {
  const receiver = await startCallbackReceiver();
  const simulator = await createOrangeSimulator({
    rateLimitPerMinute: null,
    bulk: { processingMs: 20 },
    callbacks: { secret: CALLBACK_SECRET },
    httpsHostMap: { [HOST]: receiver.url },
    ...simulated,
  });
  let used = 0;
  const recipientOf = (name: ScenarioName): string => {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name);
    used += 1;
    const number = String(used).padStart(3, '0');
    return scenario?.code == null ? `+22177${1_000_000 + used}` : `+2217700${scenario.code}${number}`;
  };
  const headOf = (name: BulkScenarioName): string => {
    const scenario = BULK_SCENARIOS.find((candidate) => candidate.name === name);
    if (scenario?.code == null) return recipientOf('default');
    used += 1;
    return `+2217701${scenario.code}${String(used).padStart(3, '0')}`;
  };
  return {
    simulator,
    provider: createOrangeProvider({
      baseUrl: simulator.url,
      timeouts: { connectMs: 10_000, headersMs: 5_000, bodyMs: 5_000 },
      ...options,
    }),
    account: {
      clientId: 'sandbox-client',
      clientSecret: 'sandbox-secret',
      accountNumber: '781234567',
      idType: 'MSISDN',
    },
    pin: '2468',
    currency: 'XOF',
    recipientOf,
    recipientFor: (situation) => recipientOf(SCENARIO_OF[situation]),
    creditsOf: (reference) =>
      simulator
        .ledger()
        .credits.filter((credit) => credit.reference === reference)
        .map((credit) => BigInt(credit.amount)),
    requestsOf: (reference) => simulator.requests().cashInsByReference[reference] ?? 0,
    bulk: {
      headOf,
      headFor: (situation) => headOf(BULK_SCENARIO_OF[situation]),
      plainRecipient: () => recipientOf('default'),
      newCallbackUrl: () => `https://${HOST}/callbacks/orange/${randomUUID()}`,
      callbacksTo: (callbackUrl) => receiver.received(new URL(callbackUrl).pathname),
      callbackSecrets: { signingSecret: CALLBACK_SECRET, authorization: null },
      searches: () => simulator.requests().byEndpoint.search,
      failSearches: (failing) => simulator.configure({ endpointFaults: failing ? { search: { error_500: 1 } } : {} }),
    },
    close: async () => {
      await simulator.close();
      await receiver.close();
    },
  };
}
