import type { Pool } from 'pg';

import type { Activities } from '../../src/activities/activities';
import type { BulkOperations, Provider } from '../../src/providers/provider';
import type { Pause } from './kill-pause';
import { aroundStatements } from '../helpers/kill-pool';

type Step = (...input: unknown[]) => Promise<unknown>;

export interface KillHooks {
  activities(activities: Activities): Activities;
  provider(provider: Provider): Provider;
  pool(pool: Pool): Pool;
}

/** The two ways of polling are one step. */
const STEPS: Readonly<Record<string, string>> = { pollAtOnce: 'poll', pollStatus: 'poll' };

/** Points around what a worker is built from; the product's code knows nothing of them. */
export function createKillHooks(pause: Pause): KillHooks {
  const calls = new Map<string, number>();
  const reads = new Map<string, number>();
  /** What a transaction of the payout's submit writes now. */
  const phases = new Map<string, 'intent' | 'answer'>();
  const together = new WeakMap<object, 'intents' | 'answers'>();
  const died = new Set<string>();
  const deaths = new Map<string, () => void>();

  /** A submit of a payout whose plan says so fails to the engine at once, or when its intent stands; it goes on nowhere. */
  async function submit(step: () => Promise<unknown>): Promise<unknown> {
    const { name, plan } = pause.current() ?? {};
    if (name === undefined || plan?.dies === undefined || died.has(name)) return await step();
    died.add(name);
    const dead = new Error('as with a dead worker');
    if (plan.dies === 'before_intent') throw dead;
    return await Promise.race([step(), new Promise<never>((_, reject) => deaths.set(name, () => reject(dead)))]);
  }

  /** Before and after the reads of a bulk its run continues as new: they are told apart by their number. */
  function nthRead(bulkId: string): string {
    const read = (reads.get(bulkId) ?? 0) + 1;
    reads.set(bulkId, read);
    return `readBulk ${read}`;
  }

  async function dieAfterIntent(): Promise<void> {
    const { name = '' } = pause.current() ?? {};
    const die = deaths.get(name);
    if (die === undefined) return;
    die();
    await new Promise(() => undefined);
  }

  return {
    /** `<activity>:before`, and `<activity>:after` where it has returned and the engine does not know. */
    activities(activities) {
      const steps = Object.entries(activities as unknown as Record<string, Step>);
      const pausing = steps.map(([activity, step]): [string, Step] => [
        activity,
        (...input) =>
          pause.within(payoutOf(input[0]), async () => {
            const name = activity === 'readBulk' ? nthRead(payoutOf(input[0])) : (STEPS[activity] ?? activity);
            await pause.at(`${name}:before`);
            const run = (): Promise<unknown> => step(...input);
            const answer = await (activity === 'submitPayout' ? submit(run) : run());
            await pause.at(`${name}:after`);
            return answer;
          }),
      ]);
      return Object.fromEntries(pausing) as unknown as Activities;
    },

    /** Points of every call: before it leaves, and when its answer is there and not yet written. */
    provider(provider) {
      return {
        ...provider,
        async authenticate(account) {
          const token = await provider.authenticate(account);
          await pause.at('token:answered');
          return token;
        },
        async submit(order, clearance, sendBy, connection) {
          const { name = '' } = pause.current() ?? {};
          const call = (calls.get(name) ?? 0) + 1;
          calls.set(name, call);
          const outcome = await provider.submit(
            order,
            async () => {
              await pause.at(`call ${call}:connected`);
              phases.set(name, 'intent');
              const answer = await clearance();
              phases.delete(name);
              await dieAfterIntent();
              await pause.at(`call ${call}:cleared`);
              return answer;
            },
            sendBy,
            connection,
          );
          await pause.at(`call ${call}:answered`);
          phases.set(name, 'answer');
          return outcome;
        },
        async fetchStatus(...query) {
          await pause.at('status:asking');
          const answer = await provider.fetchStatus(...query);
          await pause.at('status:answered');
          return answer;
        },
        bulk: provider.bulk && {
          ...provider.bulk,
          submit: async (order, clearance, sendBy) => {
            const cleared: typeof clearance = async () => {
              await pause.at('batch:cleared');
              return await clearance();
            };
            const outcome = await (provider.bulk as BulkOperations).submit(order, cleared, sendBy);
            await pause.at('batch:answered');
            return outcome;
          },
          listLines: async (query) => {
            const rows = await (provider.bulk as BulkOperations).listLines(query);
            await pause.at('batch:found');
            return rows;
          },
        },
        async lookUp(query) {
          await pause.at('lookUp:asking');
          const rows = await provider.lookUp(query);
          await pause.at('lookUp:answered');
          return rows;
        },
        account: {
          ...provider.account,
          async fetchEncryptionKey(...query) {
            const key = await provider.account.fetchEncryptionKey(...query);
            await pause.at('key:answered');
            return key;
          },
        },
      };
    },

    /** `webhook:sent`: the endpoint has answered, and that is not written. `intent:committing`, `answer:committing`, `answer:written`. */
    pool: (pool) =>
      aroundStatements(pool, async ({ sql, session }, run) => {
        if (sql.includes('insert into webhook_deliveries')) await pause.at('webhook:sent');
        const phase = phases.get(pause.current()?.name ?? '');
        if (sql === 'commit' && phase !== undefined) await pause.at(`${phase}:committing`);
        // Many lines in one transaction: told by what it has written.
        if (sql.includes('insert into submissions')) together.set(session, 'intents');
        if (sql.includes('update submissions set outcome')) together.set(session, 'answers');
        if (sql === 'commit') await pause.at(`${together.get(session) ?? 'nothing'}:committing`);
        if (sql === 'begin') together.delete(session);
        const done = await run();
        // One statement that commits: there is nothing between its writes and its commit.
        if (phase === 'answer' && sql.includes('locked as')) await pause.at('answer:written');
        return done;
      }),
  };
}

/** An activity's input names its payout, its bulk, or an event whose id names the payout. */
function payoutOf(input: unknown): string {
  if (typeof input === 'string') return input;
  const { payoutId, eventId, bulkId } = input as { payoutId?: string; eventId?: string; bulkId?: string };
  return payoutId ?? bulkId ?? `po_${eventId?.split('_')[1] ?? ''}`;
}
