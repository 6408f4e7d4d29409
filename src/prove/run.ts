import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import type { Stack } from '../start/stack';
import { countUnderWay, countWaiting } from './books';
import type { Dice } from './dice';
import { FULL_FLOAT, startDuty } from './duty';
import { countFaults, FAULTS_OFF, FAULTS_ON } from './faults';
import type { ProviderDay } from './faults';
import type { FaultyReceiver } from './faulty-receiver';
import { isUp } from './is-up';
import type { Evidence } from './judge';
import { createKiller } from './killer';
import type { Marks } from './marks';
import { bringAboutMissing } from './missing-faults';
import { ACCOUNT } from './operations';
import type { Operations } from './operations';
import type { Orders } from './orders';
import type { ProviderControl } from './provider-truth';
import { settle } from './settle';

export interface RunDeps {
  orders: Orders;
  waves: number;
  /** Payouts that a kill should find under way. */
  openAtKill: number;
  /** Milliseconds that one call takes at most, and a little. */
  callMs: number;
  dice: Dice;
  stack: Stack;
  stateDirectory: string;
  pool: Pool;
  provider: ProviderControl;
  receiver: FaultyReceiver;
  operations: Operations;
  marks: Marks;
  print: (line: string) => void;
}

export interface RunResult {
  evidence: Evidence;
  faults: Readonly<Record<string, number>>;
  /** How many PINs the account has had. */
  pins: number;
}

/** Milliseconds in which what waits is carried under faults, and the part of it that always will wait. */
const CARRY_ON_MS = 60_000;
const STUCK_PART = 0.1;

/** Milliseconds in which what was sent should be under way. */
const UNDER_WAY_MS = 8_000;

/** Sends the orders in waves under faults, kills a process in each, then lets everything come to rest. */
export async function runOrders(deps: RunDeps): Promise<RunResult> {
  const { orders, waves, dice, stack, pool, provider, receiver, operations, marks, print } = deps;
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
  const duty = startDuty({ pool, provider, orders, operations, marks });
  try {
    await provider.post('config', FAULTS_ON);
    await sendInWaves();
    await orders.allDone();
    await carryOn();
    await orders.askAgain((await provider.requests()).cashInsByScenario);
    await bringAboutMissing({ orders, provider, count });

    print('… faults are off: waiting until all that can be known is final');
    await provider.post('config', FAULTS_OFF);
    await provider.post('accounts', { msisdn: ACCOUNT, float: FULL_FLOAT });
    receiver.behave();
    const evidence = await settle({
      ...{ orders, provider, receiver, pool, print },
      kills: killer.kills,
      callMs: deps.callMs,
    });
    return { evidence, faults: await count(), pins: duty.pins() };
  } finally {
    await duty.close();
  }

  async function count(): Promise<Readonly<Record<string, number>>> {
    return { ...(await orders.faults()), ...(await countFaults({ provider, receiver, days })) };
  }

  async function sendInWaves(): Promise<void> {
    for (let wave = 0; wave < waves; wave += 1) {
      await disturb(wave);
      await orders.sendWave(wave);
      await untilUnderWay();
      await sleep(Math.floor(dice.draw('pause', wave) * 1_000));
      const open = await countUnderWay(pool);
      const next = killer.killNext(open);
      // Merchants go on while it is away.
      await orders.tend();
      const killed = await next;
      print(
        `… ${orders.accepted()} of ${orders.planned} accepted, ${open} under way, killed ${killed} (${wave + 1} of ${waves})`,
      );
    }
  }

  async function untilUnderWay(): Promise<void> {
    const giveUpAt = Date.now() + UNDER_WAY_MS;
    while (Date.now() < giveUpAt && (await countUnderWay(pool)) < deps.openAtKill) await sleep(50);
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

  /** Most of what waits is carried while things still go wrong. */
  async function carryOn(): Promise<void> {
    const giveUpAt = Date.now() + CARRY_ON_MS;
    while (Date.now() < giveUpAt && (await countWaiting(pool)) > orders.planned * STUCK_PART) {
      await orders.tend();
      await sleep(1_000);
    }
  }
}
