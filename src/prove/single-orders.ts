import { setTimeout as sleep } from 'node:timers/promises';

import { parseReference } from '../domain/reference';
import { CALLBACK_FAULTS } from '../simulators/orange';
import { countCallbacks, countStruck } from './faults';
import { inTurns } from './in-turns';
import { FINAL } from './judge';
import type { Merchant } from './merchant';
import type { Orders } from './orders';
import { planAgain, planMore, planPayouts } from './plan';
import type { Asked, PlannedPayout } from './plan';
import type { ProviderControl } from './provider-truth';

export interface SingleOrdersOptions {
  payouts: number;
  seed: number;
  waves: number;
  merchant: Merchant;
  provider: ProviderControl;
  email: string;
}

/** Single payouts, one request each. */
export function createSingleOrders({ payouts, seed, waves, merchant, provider, email }: SingleOrdersOptions): Orders {
  const plan = planPayouts({ payouts, seed });
  const size = Math.ceil(plan.length / waves);
  const accepted: Asked[] = [];
  const retried = new Set<string>();
  const cancels: Promise<unknown>[] = [];

  async function send(planned: PlannedPayout): Promise<void> {
    const id = await merchant.send(planned, {
      ...{ email, first_name: 'Awa', last_name: 'Ndiaye' },
      phone: `+221${planned.recipient}`,
    });
    accepted.push({ id, planned });
    if (planned.cancelAfterMs === null) return;
    cancels.push(sleep(planned.cancelAfterMs).then(() => merchant.cancel(id)));
  }

  return {
    planned: payouts,
    accepted: () => accepted.length,
    sendWave: (wave) => inTurns(plan.slice(wave * size, (wave + 1) * size), 8, send),

    async tend() {
      const wanted = accepted.filter(({ id, planned }) => planned.retries && !retried.has(id));
      await inTurns(wanted, 4, async ({ id }) => {
        if (await merchant.retry(id)) retried.add(id);
      });
    },

    async allDone() {
      await Promise.all(cancels);
    },

    async askAgain(struck) {
      const missed = plan.filter(({ scenario }) => scenario !== null && struck[scenario] === undefined);
      await inTurns(missed, 8, (planned) => send(planAgain(planned, plan.length)));
    },

    sendMore: (round) => send(planMore({ payouts, seed, number: round })),

    async giveUpRefused(struck) {
      const cause = accepted.find(({ planned }) => planned.scenario === 'pin_to_be_changed');
      if (cause !== undefined && struck > 0) await merchant.cancel(cause.id);
    },

    async giveUpStuck(stuck, references) {
      const hasMet = ({ id, planned }: Asked): boolean =>
        references.some(
          ({ reference, scenarios }) =>
            parseReference(reference)?.payoutId === id &&
            planned.scenario !== null &&
            scenarios.includes(planned.scenario),
        );
      const never = accepted.filter((asked) => stuck.has(asked.id) && hasMet(asked));
      await inTurns(never, 4, async ({ id }) => {
        await merchant.cancel(id);
      });
    },

    async account(before) {
      const told = new Map([...before].filter(([, payout]) => payout !== null && FINAL.includes(payout.state)));
      const open = accepted.filter(({ id }) => !told.has(id));
      await inTurns(open, 4, async ({ id }) => void told.set(id, await merchant.told(id)));
      return {
        accepted: accepted.map(({ id, planned: { recipient, amount } }) => ({ id, recipient, amount })),
        told,
        bulks: [],
      };
    },

    async faults() {
      const { cashInsByScenario } = await provider.requests();
      return {
        ...countStruck(
          'cash-in',
          plan.flatMap(({ scenario }) => scenario ?? []),
          cashInsByScenario,
        ),
        ...(await countCallbacks(provider, CALLBACK_FAULTS)),
      };
    },
  };
}
