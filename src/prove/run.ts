import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import { parseReference } from '../domain/reference';
import type { Stack } from '../start/stack';
import { isServing } from '../temporal/dev-server';
import { countUnderWay, readBooks } from './books';
import { createDice } from './dice';
import { countFaults, FAULTS_OFF, FAULTS_ON } from './faults';
import type { ProviderDay } from './faults';
import type { FaultyReceiver } from './faulty-receiver';
import { judge } from './judge';
import type { AcceptedPayout, Evidence, ToldPayout } from './judge';
import { createKiller } from './killer';
import type { KilledProcess } from './killer';
import { inTurns } from './in-turns';
import { createMerchant } from './merchant';
import type { Merchant } from './merchant';
import { ACCOUNT } from './operations';
import type { Operations } from './operations';
import { planPayouts } from './plan';
import type { PlannedPayout } from './plan';
import type { ProveOptions } from './prove-options';
import { createProviderControl } from './provider-truth';

/** What is marked, so that it can be looked for everywhere afterwards. */
export interface Marks {
  clientId: string;
  clientSecret: string;
  /** The n-th PIN of the account. */
  pin(n: number): string;
  email: string;
}

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

/** Milliseconds in which everything that can become final must, once all faults are off. */
const SETTLE_MS = 240_000;

/** Milliseconds in which what waits is carried under faults, and the part of it that always will wait. */
const CARRY_ON_MS = 90_000;
const STUCK_PART = 0.1;

/** Rounds without a change of what is told, two seconds apart, after which nothing more is expected. */
const QUIET_ROUNDS = 3;

/** Sends the planned payouts in waves under faults, kills a process in each, then lets everything come to rest. */
export async function runPayouts(deps: RunDeps): Promise<RunResult> {
  const { options, stack, pool, receiver, operations, marks, print } = deps;
  const dice = createDice(options.seed);
  const provider = createProviderControl(stack.simulatorUrl);
  const merchant = createMerchant({ apiUrl: stack.apiUrl, key: stack.keys.merchantKey });
  const killer = createKiller(deps.stateDirectory, (name) => isUp(name, stack, pool));
  const days: Record<ProviderDay, number> = {
    'key rolled': 0,
    'tokens expired': 0,
    'PIN changed': 0,
    'float emptied': 0,
  };
  const accepted: (AcceptedPayout & { planned: PlannedPayout })[] = [];
  const retried = new Set<string>();
  const cancels: Promise<unknown>[] = [];
  let pins = 1;

  await provider.post('config', FAULTS_ON);
  const plan = planPayouts(options);
  const waves = options.kills + Math.ceil(options.kills / 5);
  const size = Math.ceil(plan.length / waves);
  for (let wave = 0; wave < waves; wave += 1) {
    const coming = plan.slice(wave * size, (wave + 1) * size);
    await inTurns(coming, 8, send);
    await disturb(wave);
    await sleep(Math.floor(dice.draw('pause', wave) * 1_000));
    const open = await countUnderWay(pool);
    const next = killer.killNext(open);
    // Merchants go on while it is away.
    await inTurns(accepted.filter(wantsRetry), 4, retry);
    const killed = await next;
    print(
      `… ${accepted.length} of ${plan.length} accepted, ${open} under way, killed ${killed} (${wave + 1} of ${waves})`,
    );
    await cure();
  }
  await Promise.all(cancels);
  await carryOn();

  print('… faults are off: waiting until all that can be known is final');
  await provider.post('config', FAULTS_OFF);
  await provider.post('accounts', { msisdn: ACCOUNT, float: 100_000_000 });
  receiver.behave();
  const evidence = await settle();
  return { evidence, faults: await countFaults(provider, receiver, days), merchant, pins };

  async function send(planned: PlannedPayout): Promise<void> {
    const id = await merchant.send(planned, {
      ...{ email: marks.email, first_name: 'Awa', last_name: 'Ndiaye' },
      phone: `+221${planned.recipient}`,
    });
    accepted.push({ id, recipient: planned.recipient, amount: planned.amount, planned });
    if (planned.cancelAfterMs === null) return;
    cancels.push(sleep(planned.cancelAfterMs).then(() => merchant.cancel(id)));
  }

  function wantsRetry({ id, planned }: { id: string; planned: PlannedPayout }): boolean {
    return planned.retries && !retried.has(id);
  }

  async function retry({ id }: { id: string }): Promise<void> {
    if (await merchant.retry(id)) retried.add(id);
  }

  /** Most of what waits is carried while things still go wrong. */
  async function carryOn(): Promise<void> {
    await provider.post('accounts', { msisdn: ACCOUNT, float: 100_000_000 });
    const giveUpAt = Date.now() + CARRY_ON_MS;
    while (Date.now() < giveUpAt) {
      const { rows } = await pool.query<{ count: string }>(
        `select count(*) from payouts where state in ('scheduled', 'queued', 'processing')`,
      );
      if (Number(rows[0]?.count) <= plan.length * STUCK_PART) return;
      await cure();
      await inTurns(accepted.filter(wantsRetry), 4, retry);
      await sleep(1_000);
    }
  }

  /** What happens at the provider, a day's news per wave. */
  async function disturb(wave: number): Promise<void> {
    if (wave % 2 === 0) {
      await provider.post('keys/roll');
      days['key rolled'] += 1;
    }
    await provider.post('tokens/expire');
    days['tokens expired'] += 1;
    if (wave % 4 === 1) {
      await provider.post('accounts', { msisdn: ACCOUNT, float: 0 });
      days['float emptied'] += 1;
    } else {
      await provider.post('accounts', { msisdn: ACCOUNT, float: 100_000_000 });
    }
    if (wave === 2) {
      await changePinAtProvider();
      days['PIN changed'] += 1;
    }
  }

  async function changePinAtProvider(): Promise<void> {
    pins += 1;
    await provider.post('accounts', { msisdn: ACCOUNT, pin: marks.pin(pins) });
  }

  /** Operations: a PIN that was refused is replaced; a payout whose number always says "change the PIN" is given up. */
  async function cure(): Promise<void> {
    const { rows } = await pool.query<{ id: string }>(
      `select id from payouts where state = 'queued' and reason = 'credential_blocked' limit 1`,
    );
    if (rows.length === 0) return;
    const { cashInsByScenario } = await provider.requests();
    const cause = accepted.find(({ planned }) => planned.scenario === 'pin_to_be_changed');
    if (cause !== undefined && (cashInsByScenario['pin_to_be_changed'] ?? 0) > 0) await merchant.cancel(cause.id);
    await changePinAtProvider();
    const { clientId, clientSecret } = marks;
    const secrets = { client_id: clientId, client_secret: clientSecret, pin: marks.pin(pins) };
    // The provider's faults strike operations too: they try again, and the next round with another PIN.
    for (let tries = 0; tries < 3; tries += 1) {
      const isSaved = await operations.saveCredential(secrets).then(
        () => true,
        () => false,
      );
      if (isSaved) return;
    }
    print('… operations could not save the new PIN yet');
  }

  async function settle(): Promise<Evidence> {
    const giveUpAt = Date.now() + SETTLE_MS;
    let last = '';
    for (let quiet = 0; ;) {
      await cure();
      await giveUpWhatNeverGoes();
      const now = await gather();
      const judgement = judge(now);
      const unsettled =
        judgement.violations['not final though the provider tells'].length +
        judgement.violations['final without a verified webhook'].length;
      const picture = JSON.stringify([...now.told].sort());
      quiet = picture === last && unsettled === 0 ? quiet + 1 : 0;
      last = picture;
      if (quiet >= QUIET_ROUNDS || Date.now() > giveUpAt) return now;
      await sleep(2_000);
    }
  }

  /** A number that met its refusal and meets it again each time stays queued for ever: the merchant cancels. */
  async function giveUpWhatNeverGoes(): Promise<void> {
    const { rows } = await pool.query<{ id: string }>(
      `select id from payouts where state = 'queued' and deferrals >= 3
         and reason in ('throttled', 'provider_float_low', 'credential_refused', 'stale_key')`,
    );
    const stuck = new Set(rows.map(({ id }) => id));
    const { references } = await provider.truth();
    const met = (id: string, scenario: string | null): boolean =>
      references.some(
        ({ reference, scenarios }) =>
          parseReference(reference)?.payoutId === id && scenario !== null && scenarios.includes(scenario),
      );
    const never = accepted.filter(({ id, planned }) => stuck.has(id) && met(id, planned.scenario));
    await inTurns(never, 4, async ({ id }) => {
      await merchant.cancel(id);
    });
  }

  async function gather(): Promise<Evidence> {
    const told = new Map<string, ToldPayout | null>();
    await inTurns(accepted, 4, async ({ id }) => void told.set(id, await merchant.told(id)));
    return {
      accepted: accepted.map(({ id, recipient, amount }) => ({ id, recipient, amount })),
      told,
      truth: await provider.truth(),
      webhooks: [...receiver.heard],
      books: await readBooks(pool),
      kills: killer.kills,
    };
  }
}

async function isUp(
  name: KilledProcess,
  { apiUrl, temporalAddress, environment }: Stack,
  pool: Pool,
): Promise<boolean> {
  const answers = async (url: string): Promise<boolean> =>
    await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  switch (name) {
    case 'api':
      return await answers(apiUrl);
    case 'worker':
      return await answers(`http://127.0.0.1:${environment['METRICS_PORT'] ?? ''}`);
    case 'temporal':
      return await isServing(temporalAddress);
    case 'postgres':
      return await pool.query('select 1').then(
        () => true,
        () => false,
      );
    default:
      return name satisfies never;
  }
}
