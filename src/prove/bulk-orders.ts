import { setTimeout as sleep } from 'node:timers/promises';

import { BULK_CALLBACK_FAULTS, BULK_FAULT_NAMES, CALLBACK_FAULTS, LINE_FAULT_NAMES } from '../simulators/orange';
import type { BulkMerchant, ToldLine } from './bulk-merchant';
import { createDice } from './dice';
import { countCallbacks, countStruck } from './faults';
import { inTurns } from './in-turns';
import { FINAL } from './judge';
import type { AcceptedPayout, ToldBulk, ToldPayout } from './judge';
import type { Merchant } from './merchant';
import type { Account, Orders, Told } from './orders';
import { planAgain, planMore } from './plan';
import { planBulks } from './plan-bulks';
import type { PlannedBulk } from './plan-bulks';
import type { BulkPath } from './prove-options';
import type { ProviderControl } from './provider-truth';

export interface BulkOrdersOptions {
  lines: number;
  seed: number;
  waves: number;
  path: BulkPath;
  /** Lines of one bulk call. */
  chunkSize: number;
  bulks: BulkMerchant;
  merchant: Merchant;
  provider: ProviderControl;
  email: string;
}

interface GrowingAccount extends Account {
  accepted: AcceptedPayout[];
  told: Map<string, ToldPayout | null>;
  bulks: ToldBulk[];
}

interface AskedBulk {
  id: string;
  planned: PlannedBulk;
}

/** Milliseconds after its 202 when the merchant does something to a bulk, and how long a pause lasts. */
const ACT_AFTER_MS = 700;
const PAUSE_MS = 2_000;

/** Of a bulk beside the plan. */
const MORE_LINES = 5;

/** Bulks of which lines leave by either path, some paused, cancelled, approved, scheduled or retried on their way. */
export function createBulkOrders(options: BulkOrdersOptions): Orders {
  const { lines: count, seed, waves, path, chunkSize, bulks, merchant, provider } = options;
  const plan = planBulks({ lines: count, seed, waves });
  const planned = plan.flat();
  const batchFaults = path === 'native' ? planBatchFaults(count / chunkSize / 2, seed) : [];
  const accepted: AskedBulk[] = [];
  const retried = new Set<string>();
  const acts: Promise<unknown>[] = [];

  async function send(bulk: PlannedBulk): Promise<void> {
    const id = await bulks.send(bulk, (recipient) => ({
      ...{ email: options.email, first_name: 'Awa', last_name: 'Ndiaye' },
      phone: `+221${recipient}`,
    }));
    accepted.push({ id, planned: bulk });
    if (bulk.act !== null) acts.push(actOn(id, bulk.act));
  }

  async function actOn(bulkId: string, act: 'pause' | 'cancel'): Promise<void> {
    await sleep(ACT_AFTER_MS);
    if (!(await bulks.act(bulkId, act)) || act === 'cancel') return;
    await sleep(PAUSE_MS);
    if (!(await bulks.act(bulkId, 'resume'))) throw new Error(`bulk ${bulkId} could not be resumed`);
  }

  /** Lines of a fault that do not meet it where another path is taken have no fault. */
  const meets = (scenario: string): boolean =>
    path === 'lines' || (LINE_FAULT_NAMES as readonly string[]).includes(scenario);

  const scenarios = planned
    .flatMap(({ lines }) => lines.flatMap(({ scenario }) => scenario ?? []))
    .filter((scenario) => meets(scenario));

  return {
    planned: count,
    accepted: () => accepted.reduce((sum, { planned: { lines } }) => sum + lines.length, 0),

    async sendWave(wave) {
      const share = Math.ceil(batchFaults.length / waves);
      const next = batchFaults.slice(wave * share, (wave + 1) * share);
      if (next.length > 0) await provider.post('bulks/next', { bulks: next.map((scenario) => ({ scenario })) });
      await inTurns(plan[wave] ?? [], 2, send);
    },

    async tend() {
      const wanted = accepted.filter((asked) => asked.planned.retries && !retried.has(asked.id));
      await inTurns(wanted, 2, async ({ id }) => {
        if (await bulks.retryFailed(id)) retried.add(id);
      });
    },

    async allDone() {
      await Promise.all(acts);
    },

    async askAgain(struck) {
      const missed = planned
        .flatMap(({ lines }) => lines)
        .filter(({ scenario }) => scenario !== null && meets(scenario) && struck[scenario] === undefined);
      if (missed.length === 0) return;
      const lines = missed.map((line) => planAgain(line, count));
      await send({ key: `prove-bulk-${seed}-again`, lines, scheduledInMs: null, act: null, retries: false });
    },

    async sendMore(round) {
      const numbers = Array.from({ length: MORE_LINES }, (_, index) => round * MORE_LINES + index);
      const lines = numbers.map((number) => planMore({ payouts: count, seed, number }));
      await send({ key: `prove-bulk-${seed}-more-${round}`, lines, scheduledInMs: null, act: null, retries: false });
    },

    // No line refuses every PIN.
    giveUpRefused: () => Promise.resolve(),

    /** A line alone cannot be cancelled: where nothing else of its bulk is under way, the rest of the bulk is. */
    async giveUpStuck(stuck) {
      if (stuck.size === 0) return;
      await inTurns(accepted, 2, async ({ id }) => {
        const open = (await bulks.lines(id)).filter(({ state }) => !FINAL.includes(state) && state !== 'in_review');
        const waiting = open.filter((line) => stuck.has(line.id));
        if (waiting.length === 0 || open.some(({ state }) => state === 'accepted')) return;
        if (open.length === waiting.length) await bulks.act(id, 'cancel');
        // Those that were handed over are payouts like any other.
        await inTurns(waiting, 4, async (line) => {
          await merchant.cancel(line.id);
        });
      });
    },

    async account(before) {
      const account: GrowingAccount = { accepted: [], told: new Map(), bulks: [] };
      for (const asked of accepted) await addBulk(asked, before, account);
      return account;
    },

    async faults() {
      const { cashInsByScenario, bulksByScenario } = await provider.requests();
      return {
        ...countStruck('line', scenarios, cashInsByScenario),
        ...countStruck('batch', batchFaults, bulksByScenario),
        ...(await countCallbacks(provider, path === 'native' ? BULK_CALLBACK_FAULTS : CALLBACK_FAULTS)),
      };
    },
  };

  /** What the API tells of every line, found by the merchant's own reference. */
  async function addBulk({ id, planned: { lines } }: AskedBulk, before: Told, account: GrowingAccount): Promise<void> {
    const { state, found } = await standingOf(id);
    const ids: string[] = [];
    for (const { key, recipient, amount } of lines) {
      const line = found.get(key);
      const payoutId = line?.id ?? `${id}/${key}`;
      ids.push(payoutId);
      account.accepted.push({ id: payoutId, recipient, amount });
      account.told.set(payoutId, line === undefined ? null : await toldOf(line, before.get(payoutId) ?? null));
    }
    account.bulks.push({ id, state, lines: ids });
  }

  /** A bulk and its lines of one moment: read again where the bulk changed while they were read. */
  async function standingOf(id: string): Promise<{ state: string | null; found: ReadonlyMap<string, ToldLine> }> {
    for (let before = await bulks.state(id); ;) {
      const found = new Map((await bulks.lines(id)).map((line) => [line.reference, line]));
      const state = await bulks.state(id);
      if (state === before) return { state, found };
      before = state;
    }
  }

  /** When an open line was sent is asked for once, or the API would be asked for each at every look. */
  async function toldOf(
    line: { id: string; state: string; attempt: number },
    before: ToldPayout | null,
  ): Promise<ToldPayout | null> {
    const { id, state, attempt } = line;
    if (state !== 'unknown' && state !== 'in_review') return { state, attempt, sentAt: null };
    if (before?.state === state && before.attempt === attempt) return before;
    return await merchant.told(id);
  }
}

/**
 * Each kind once in an order of the dice, as far as there are batches. Those of callbacks come first and twice: a batch calls back
 * when all its lines are at their end, which some never come to.
 */
function planBatchFaults(most: number, seed: number): readonly (typeof BULK_FAULT_NAMES)[number][] {
  const dice = createDice(seed);
  const shuffled = [...BULK_FAULT_NAMES].sort((a, b) => dice.draw('batch', a) - dice.draw('batch', b));
  const ofCallbacks = shuffled.filter((name) => name.startsWith('bulk_callback_'));
  const others = shuffled.filter((name) => !ofCallbacks.includes(name));
  return [...ofCallbacks, ...ofCallbacks, ...others].slice(0, Math.max(0, Math.floor(most)));
}
