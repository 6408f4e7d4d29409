import {
  BULK_CALLBACK_FAULTS,
  BULK_FAULT_NAMES,
  CALLBACK_FAULTS,
  ENDPOINT_FAULTS,
  FAULT_NAMES,
} from '../simulators/orange';
import type { ScenarioName } from '../simulators/orange';
import { RECEIVER_FAULTS } from './faulty-receiver';
import type { FaultyReceiver } from './faulty-receiver';
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
  bulk: { faults: rates(BULK_FAULT_NAMES, 0.005), callbackFaults: rates(BULK_CALLBACK_FAULTS, 0.1) },
};

export const FAULTS_OFF = {
  faults: {},
  endpointFaults: {},
  callbacks: { faults: {} },
  bulk: { faults: {}, callbackFaults: {} },
};

export interface FaultSources {
  provider: ProviderControl;
  receiver: FaultyReceiver;
  days: Readonly<Record<ProviderDay, number>>;
}

/** How often each kind of fault of endpoints, webhooks and days happened. */
export async function countFaults({
  provider,
  receiver,
  days,
}: FaultSources): Promise<Readonly<Record<string, number>>> {
  const { endpointFaults } = await provider.requests();
  const struck = (fault: string): number =>
    Object.entries(endpointFaults).reduce((sum, [name, count]) => sum + (name.endsWith(`/${fault}`) ? count : 0), 0);
  return Object.fromEntries([
    ...ENDPOINT_FAULTS.map((name) => [`endpoint ${name}`, struck(name)]),
    ...RECEIVER_FAULTS.map((name) => [`webhook ${name}`, receiver.faults[name]]),
    ...PROVIDER_DAYS.map((name) => [`provider ${name}`, days[name]]),
  ]) as Record<string, number>;
}

/** How often each of these struck, by `kind name`; those that never did with 0. */
export function countStruck(
  kind: string,
  names: readonly string[],
  struck: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name) => [`${kind} ${name}`, struck[name] ?? 0]));
}

/** Callbacks that met each fault. */
export async function countCallbacks(
  provider: ProviderControl,
  names: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const attempts = await provider.callbacks();
  return countStruck(
    'callback',
    names,
    Object.fromEntries(names.map((name) => [name, attempts.filter(({ fault }) => fault === name).length])),
  );
}
