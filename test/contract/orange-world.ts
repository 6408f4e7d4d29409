import { createOrangeProvider } from '../../src/providers/orange';
import type { OrangeOptions } from '../../src/providers/orange';
import { createOrangeSimulator, SCENARIOS } from '../../src/simulators/orange';
import type { OrangeSimulator, OrangeSimulatorOptions, ScenarioName } from '../../src/simulators/orange';
import type { ProviderUnderTest, Situation } from './provider-suite';

export interface OrangeWorld extends ProviderUnderTest {
  simulator: OrangeSimulator;
  /** A recipient in E.164 that meets this scenario and was not used before. */
  recipientOf(scenario: ScenarioName): string;
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

/** Starts the simulator, without its rate limit, and the connector to it. */
export async function startOrangeWorld(
  options: Partial<OrangeOptions> = {},
  simulated: OrangeSimulatorOptions = {},
): Promise<OrangeWorld> {
  const simulator = await createOrangeSimulator({ rateLimitPerMinute: null, ...simulated });
  let used = 0;
  const recipientOf = (name: ScenarioName): string => {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name);
    used += 1;
    const number = String(used).padStart(3, '0');
    return scenario?.code == null ? `+221771000${number}` : `+2217700${scenario.code}${number}`;
  };
  return {
    simulator,
    provider: createOrangeProvider({
      baseUrl: simulator.url,
      timeouts: { connectMs: 10_000, headersMs: 2_000, bodyMs: 2_000 },
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
    close: () => simulator.close(),
  };
}
