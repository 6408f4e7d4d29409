import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { FAULT_NAMES } from '../simulators/orange';
import type { Stack } from '../start/stack';
import { countUnderWay, countWaiting } from './books';
import { createDice } from './dice';
import { FULL_FLOAT, startDuty } from './duty';
import { countFaults, FAULTS_OFF, FAULTS_ON } from './faults';
import type { ProviderDay } from './faults';
import type { FaultyReceiver } from './faulty-receiver';
import { inTurns } from './in-turns';
import { isUp } from './is-up';
import type { Evidence } from './judge';
import { createKiller } from './killer';
import type { Marks } from './marks';
import { createMerchant } from './merchant';
import type { Merchant } from './merchant';
import { ACCOUNT } from './operations';
import type { Operations } from './operations';
import { planAgain, planPayouts } from './plan';
import type { Asked, PlannedPayout } from './plan';
import type { ProveOptions } from './prove-options';
import { createProviderControl } from './provider-truth';
import { settle } from './settle';

export interface RunDeps {
  options: ProveOptions;
  stack: Stack;
  stateDirectory: string;
  pool: Pool;
  receiver: FaultyReceiver;
  operations: Operations;
  marks: Marks;
  print: (line: string) => void;
}

export interface RunResult {
  evidence: Evidence;
  faults: Readonly<Record<string, number>>;
  merchant: Merchant;
  /** How many PINs the account has had. */
  pins: number;
}

/** Milliseconds in which what waits is carried under faults, and the part of it that always will wait. */
const CARRY_ON_MS = 60_000;
const STUCK_PART = 0.1;

/** Sends the planned payouts in waves under faults, kills a process in each, then lets everything come to rest. */
export async function runPayouts(deps: RunDeps): Promise<RunResult> {
  const { options, stack, pool, receiver, operations, marks, print } = deps;
  const dice = createDice(options.seed);
  const provider = createProviderControl(stack.simulatorUrl);
  const merchant = createMerchant({ apiUrl: stack.apiUrl, key: stack.keys.merchantKey });
  const killer = createKiller({
    stateDirectory: deps.stateDirectory,
    dice,
    isUp: (name) => isUp(name, stack, pool),
  });
  const days: Record<ProviderDay, number> = {
    'key rolled': 0,
    'tokens expired': 0,
    'PIN changed': 0,
    'float emptied': 0,
  };
  const accepted: Asked[] = [];
  const retried = new Set<string>();
  const cancels: Promise<unknown>[] = [];
  const duty = startDuty({ pool, provider, merchant, operations, marks, accepted });
  try {
    const plan = planPayouts(options);
    const named = new Set(plan.flatMap(({ scenario }) => scenario ?? [])).size;
    if (named < FAULT_NAMES.length) print(`… room for ${named} of ${FAULT_NAMES.length} kinds of cash-in faults only`);
    await provider.post('config', FAULTS_ON);
    await sendInWaves(plan);
    await Promise.all(cancels);
    await carryOn(plan.length);
    await askAgain(plan);

    print('… faults are off: waiting until all that can be known is final');
    await provider.post('config', FAULTS_OFF);
    await provider.post('accounts', { msisdn: ACCOUNT, float: FULL_FLOAT });
    receiver.behave();
    const evidence = await settle({ accepted, merchant, provider, receiver, pool, kills: killer.kills, print });
    const faults = await countFaults({ provider, receiver, days, plan });
    return { evidence, faults, merchant, pins: duty.pins() };
  } finally {
    await duty.close();
  }

  async function sendInWaves(plan: readonly PlannedPayout[]): Promise<void> {
    // A few more than are asked for: one that finds too few under way does not count.
    const waves = options.kills + Math.ceil(options.kills / 5);
    const size = Math.ceil(plan.length / waves);
    for (let wave = 0; wave < waves; wave += 1) {
      await disturb(wave);
      await inTurns(plan.slice(wave * size, (wave + 1) * size), 8, send);
      await sleep(Math.floor(dice.draw('pause', wave) * 1_000));
      const open = await countUnderWay(pool);
      const next = killer.killNext(open);
      // Merchants go on while it is away.
      await retryFailed();
      const killed = await next;
      print(
        `… ${accepted.length} of ${plan.length} accepted, ${open} under way, killed ${killed} (${wave + 1} of ${waves})`,
      );
    }
  }

  async function send(planned: PlannedPayout): Promise<void> {
    const id = await merchant.send(planned, {
      ...{ email: marks.email, first_name: 'Awa', last_name: 'Ndiaye' },
      phone: `+221${planned.recipient}`,
    });
    accepted.push({ id, planned });
    if (planned.cancelAfterMs === null) return;
    cancels.push(sleep(planned.cancelAfterMs).then(() => merchant.cancel(id)));
  }

  async function retryFailed(): Promise<void> {
    const wanted = accepted.filter(({ id, planned }) => planned.retries && !retried.has(id));
    await inTurns(wanted, 4, async ({ id }) => {
      if (await merchant.retry(id)) retried.add(id);
    });
  }

  /** What happens at the provider, a day's news per wave. */
  async function disturb(wave: number): Promise<void> {
    await provider.post('tokens/expire');
    days['tokens expired'] += 1;
    if (wave % 2 === 0) {
      await provider.post('keys/roll');
      days['key rolled'] += 1;
    }
    if (wave % 4 === 1) {
      await provider.post('accounts', { msisdn: ACCOUNT, float: 0 });
      days['float emptied'] += 1;
    }
    if (wave === 2) {
      await duty.changePinAtProvider();
      days['PIN changed'] += 1;
    }
  }

  /** A kind whose payout was cut off before its fault, or gave up before, is asked for once more. */
  async function askAgain(plan: readonly PlannedPayout[]): Promise<void> {
    const { cashInsByScenario } = await provider.requests();
    const missed = plan.filter(({ scenario }) => scenario !== null && cashInsByScenario[scenario] === undefined);
    await inTurns(missed, 8, (planned) => send(planAgain(planned, plan.length)));
  }

  /** Most of what waits is carried while things still go wrong. */
  async function carryOn(payouts: number): Promise<void> {
    const giveUpAt = Date.now() + CARRY_ON_MS;
    while (Date.now() < giveUpAt && (await countWaiting(pool)) > payouts * STUCK_PART) {
      await retryFailed();
      await sleep(1_000);
    }
  }
}
