import { setTimeout as sleep } from 'node:timers/promises';

import { CALLBACK_FAULTS } from '../simulators/orange';
import { FAULTS_OFF } from './faults';
import type { Orders } from './orders';
import type { ProviderControl } from './provider-truth';

/** Kinds that the dice give to whoever comes, or to batches in their order: more orders meet what none has met. */
const BROUGHT_ABOUT = ['endpoint', 'callback', 'batch'] as const;

/** Milliseconds in which one more order meets its faults, the time-outs of its calls included, and how many are tried. */
const ROUND_MS = 15_000;
const ROUNDS = 20;
const LOOK_EVERY_MS = 250;

export interface MissingFaultsDeps {
  orders: Pick<Orders, 'sendMore'>;
  provider: Pick<ProviderControl, 'post'>;
  /** How often each kind of fault has happened, as `endpoint lost`. */
  count: () => Promise<Readonly<Record<string, number>>>;
}

/**
 * Sends one order more after the other, with one kind of a sort that never happened for certain and no other, until each
 * has happened: in a small run chance leaves some out. Those that do not come about all the same are the verdict's.
 */
export async function bringAboutMissing({ orders, provider, count }: MissingFaultsDeps): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const wanted = firstOfEach(await count());
    if (wanted.length === 0) return;
    await provider.post('config', faultsFor(Object.fromEntries(wanted)));
    await orders.sendMore(round);
    const giveUpAt = Date.now() + ROUND_MS;
    for (;;) {
      const counts = await count();
      if (wanted.every(([sort, kind]) => counts[`${sort} ${kind}`] !== 0) || Date.now() > giveUpAt) break;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

type Wanted = readonly (readonly [sort: (typeof BROUGHT_ABOUT)[number], kind: string])[];

function firstOfEach(counts: Readonly<Record<string, number>>): Wanted {
  const missing = Object.keys(counts).filter((name) => counts[name] === 0);
  return BROUGHT_ABOUT.flatMap((sort) => {
    const first = missing.find((name) => name.startsWith(`${sort} `));
    return first === undefined ? [] : [[sort, first.slice(sort.length + 1)] as const];
  });
}

/** Those of batches are planned already. Endpoints: what is asked of every order; its token and key may be known. */
function faultsFor({ endpoint, callback }: Readonly<Record<string, string>>): object {
  const certain = (kind: string | undefined): object => (kind === undefined ? {} : { [kind]: 1 });
  const isOfBoth = (CALLBACK_FAULTS as readonly string[]).includes(callback ?? '');
  return {
    ...FAULTS_OFF,
    endpointFaults: { search: certain(endpoint), status: certain(endpoint) },
    callbacks: { faults: isOfBoth ? certain(callback) : {} },
    bulk: { faults: {}, callbackFaults: certain(callback) },
  };
}
