import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { readBooks } from './books';
import { AT_BULK_END, judge } from './judge';
import type { Evidence, Kill } from './judge';
import type { FaultyReceiver } from './faulty-receiver';
import type { Orders, Told } from './orders';
import type { ProviderControl } from './provider-truth';

/** Milliseconds in which everything that can become final must, once all faults are off. */
const SETTLE_MS = 240_000;

/** Rounds without a change of what is told, two seconds apart, after which nothing more is expected. */
const QUIET_ROUNDS = 3;

/** A round of progress is told after so many. */
const TELL_EVERY = 5;

export interface SettleDeps {
  orders: Orders;
  provider: ProviderControl;
  receiver: FaultyReceiver;
  pool: Pool;
  kills: readonly Kill[];
  callMs: number;
  print: (line: string) => void;
}

/** Waits until all that can be known is final and told, then gathers the evidence. What is not by then is the judge's. */
export async function settle(deps: SettleDeps): Promise<Evidence> {
  const giveUpAt = Date.now() + SETTLE_MS;
  let last = '';
  let told: Told = new Map();
  for (let round = 1, quiet = 0; ; round += 1) {
    await giveUpWhatNeverGoes(deps);
    const now = await gather(deps, told);
    told = now.told;
    const { violations } = judge(now);
    const open =
      violations['not final though the provider tells'].length +
      now.bulks.filter(({ state }) => state !== null && !AT_BULK_END.includes(state)).length;
    const untold = violations['final without a verified webhook'].length;
    const picture = JSON.stringify([...told].sort());
    quiet = picture === last && open + untold === 0 ? quiet + 1 : 0;
    last = picture;
    if (quiet >= QUIET_ROUNDS || Date.now() > giveUpAt) return await gather(deps, new Map());
    if (round % TELL_EVERY === 0) deps.print(`… ${open} to become final, ${untold} webhooks to come`);
    await sleep(2_000);
  }
}

/** A number that met its refusal and meets it again each time stays queued for ever: the merchant cancels. */
async function giveUpWhatNeverGoes({ orders, provider, pool }: SettleDeps): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from payouts where state = 'queued' and deferrals >= 3
       and reason in ('throttled', 'provider_float_low', 'credential_refused', 'stale_key')`,
  );
  if (rows.length === 0) return;
  await orders.giveUpStuck(new Set(rows.map(({ id }) => id)), (await provider.truth()).references);
}

async function gather(
  { orders, provider, receiver, pool, kills, callMs }: SettleDeps,
  before: Told,
): Promise<Evidence> {
  return {
    ...(await orders.account(before)),
    truth: await provider.truth(),
    webhooks: [...receiver.heard],
    books: await readBooks(pool),
    kills,
    callMs,
  };
}
