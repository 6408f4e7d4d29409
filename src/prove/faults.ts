import { CALLBACK_FAULTS, ENDPOINT_FAULTS, FAULT_NAMES } from '../simulators/orange';
import type { ScenarioName } from '../simulators/orange';
import { RECEIVER_FAULTS } from './faulty-receiver';
import type { FaultyReceiver } from './faulty-receiver';
import type { PlannedPayout } from './plan';
import type { ProviderControl } from './provider-truth';

/** What the driver does to the provider itself, from outside. */
export const PROVIDER_DAYS = ['key rolled', 'tokens expired', 'PIN changed', 'float emptied'] as const;

export type ProviderDay = (typeof PROVIDER_DAYS)[number];

/** It closes the account's gate for all others each time it strikes: it strikes once, by its number. */
const BY_NUMBER_ONLY: readonly ScenarioName[] = ['pin_to_be_changed'];

function rates(names: readonly string[], rate: number): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, rate]));
}

/** What goes wrong by chance while the run lasts; see docs/simulator.md. */
export const FAULTS_ON = {
  faults: rates(
    FAULT_NAMES.filter((name) => !BY_NUMBER_ONLY.includes(name)),
    0.003,
  ),
  endpointFaults: {
    token: rates(ENDPOINT_FAULTS, 0.03),
    publicKey: rates(ENDPOINT_FAULTS, 0.03),
    search: rates(ENDPOINT_FAULTS, 0.03),
    status: rates(ENDPOINT_FAULTS, 0.03),
  },
  callbacks: { faults: rates(CALLBACK_FAULTS, 0.1) },
};

export const FAULTS_OFF = { faults: {}, endpointFaults: {}, callbacks: { faults: {} } };

export interface FaultSources {
  provider: ProviderControl;
  receiver: FaultyReceiver;
  days: Readonly<Record<ProviderDay, number>>;
  plan: readonly PlannedPayout[];
}

/** How often each kind of fault happened, every kind listed that was planned. A run of 100 payouts has room for all. */
export async function countFaults(sources: FaultSources): Promise<Readonly<Record<string, number>>> {
  const { provider, receiver, days, plan } = sources;
  const { cashInsByScenario, endpointFaults } = await provider.requests();
  const callbacks = await provider.callbacks();
  const struck = (fault: string): number =>
    Object.entries(endpointFaults).reduce((sum, [name, count]) => sum + (name.endsWith(`/${fault}`) ? count : 0), 0);
  return Object.fromEntries([
    ...FAULT_NAMES.filter((name) => plan.some(({ scenario }) => scenario === name)).map((name) => [
      `cash-in ${name}`,
      cashInsByScenario[name] ?? 0,
    ]),
    ...ENDPOINT_FAULTS.map((name) => [`endpoint ${name}`, struck(name)]),
    ...CALLBACK_FAULTS.map((name) => [`callback ${name}`, callbacks.filter(({ fault }) => fault === name).length]),
    ...RECEIVER_FAULTS.map((name) => [`webhook ${name}`, receiver.faults[name]]),
    ...PROVIDER_DAYS.map((name) => [`provider ${name}`, days[name]]),
  ]) as Record<string, number>;
}
