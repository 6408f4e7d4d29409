import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { newId } from '../../src/db/ids';
import { submissionReference } from '../../src/domain/reference';
import { WEBHOOK_EVENTS } from '../../src/domain/webhook-event';
import { eventually } from '../helpers/eventually';
import type { KillCase, KillEnd } from './kill-cases';
import { judge } from './kill-judge';
import type { KillVerdict } from './kill-judge';
import { createKillMerchant } from './kill-merchant';
import type { KillPlan } from './kill-pause';
import { startKillReceiver } from './kill-receiver';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';

/** Milliseconds for what takes a minute on a machine with nothing else to do. */
const PATIENCE_MS = 150_000;

/** Longer than any payout stands at its provider. */
const PROVIDER_PATIENCE_MS = 90_000;

/** One payout on the stage, of a merchant, an account and an endpoint of its own. */
export interface KillActor {
  case: KillCase;
  payoutId: string;
  merchantId: string;
  recipient: string;
}

export interface KillStage {
  world: PayoutWorld;
  env: Readonly<Record<string, string>>;
  actors: readonly KillActor[];
  plan: KillPlan;
  /** Starts every payout's run but those that are left to a sweeper, and waits until the orders of those that stand at the provider are there. */
  startRuns: () => Promise<void>;
  /** The provider goes on with those that stand there. */
  releaseProvider: () => void;
  /** Deliveries that were refused are due to be tried again. */
  nudge: () => Promise<void>;
  /** Waits until the payout is where it shall end, with its webhooks heard, and looks at it from all sides. */
  restOf(actor: KillActor, end: KillEnd): Promise<KillVerdict>;
  judge(actor: KillActor): Promise<KillVerdict>;
  close: () => Promise<void>;
}

/** Accepts a payout for each case; nothing of them is started. */
export async function createKillStage(
  cases: readonly KillCase[],
  { env = {}, ...servers }: { temporal?: string; databaseUrl?: string; env?: Record<string, string> } = {},
): Promise<KillStage> {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const world = await createPayoutWorld(servers);
  const receiver = await startKillReceiver(secret);
  const actors: KillActor[] = [];
  for (const [index, killCase] of cases.entries()) actors.push(await actor(killCase, index));

  async function actor(killCase: KillCase, index: number): Promise<KillActor> {
    const { pool, vault } = world;
    const by = await createKillMerchant(world, index);
    const { merchantId } = by;
    const sealed = await vault.seal(merchantId, 'webhook-secret', secret);
    await pool.query(
      `insert into webhook_endpoints (id, merchant_id, environment, url, events, secret_enc)
       values ($1, $2, 'sandbox', $3, $4, $5)`,
      [
        newId('we'),
        merchantId,
        receiver.url + (killCase.refusesWebhooks ? '/refusing' : ''),
        [...WEBHOOK_EVENTS],
        sealed,
      ],
    );
    const recipient = world.recipientOf(killCase.scenario);
    const scheduled = killCase.scheduled ? { scheduledAt: new Date(Date.now() + 1_000) } : {};
    const payoutId = await world.accept({ recipient, by, ...scheduled });
    return { case: killCase, payoutId, merchantId, recipient };
  }

  const stage: KillStage = {
    world,
    actors,
    env: { ...world.env, ORANGE_HEADERS_TIMEOUT_MS: String(PROVIDER_PATIENCE_MS), WEBHOOK_TIMEOUT_MS: '1000', ...env },
    plan: Object.fromEntries(
      actors.flatMap(({ payoutId, case: { at } }) => (typeof at === 'string' ? [] : [[payoutId, at] as const])),
    ),

    async startRuns() {
      // One after another and before all others, since the provider holds whoever comes next.
      for (const { payoutId, case: killCase } of actors) {
        if (typeof killCase.at !== 'string') continue;
        world.simulator.hold({ point: killCase.at, count: 1 });
        await world.startRun(payoutId);
        const reference = submissionReference({ payoutId, attempt: 1, call: 1 });
        const { at } = killCase;
        await eventually(
          'the provider has the order',
          () => world.simulator.holds()[at].blocked.includes(reference),
          PATIENCE_MS,
        );
      }
      const others = actors.filter(({ case: { at, swept } }) => typeof at !== 'string' && !swept);
      await Promise.all(others.map(({ payoutId }) => world.startRun(payoutId)));
      await world.pool.query('update payouts set sweep_after = now()');
    },

    releaseProvider: () => void world.simulator.release(),

    async nudge() {
      await world.pool.query(
        `update outbox set sweep_after = now() from webhook_endpoints endpoint
         where endpoint.id = endpoint_id and endpoint.url like '%/refusing' and claim_no > 0 and claimed_until is null
           and delivered_at is null and handed_over_at is null`,
      );
    },

    async restOf(each, end) {
      const { payoutId } = each;
      await eventually(
        `${each.case.name}: ${end}, its webhooks heard`,
        async () => {
          await stage.nudge();
          const verdict = await stage.judge(each);
          return verdict.state === end && verdict.webhooks.missing.length === 0;
        },
        PATIENCE_MS,
      ).catch(() => undefined);
      if (end === 'unknown') {
        const lookUps = await countLookUps(world, payoutId);
        await eventually('it is looked up', async () => (await countLookUps(world, payoutId)) > lookUps + 1);
      }
      return await stage.judge(each);
    },

    judge: (each) => judge(world, each, receiver.heard(each.payoutId)),

    async close() {
      await receiver.close();
      await world.close();
    },
  };
  return stage;
}

async function countLookUps({ pool }: PayoutWorld, payoutId: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*)::int as count from look_ups where payout_id = $1',
    [payoutId],
  );
  return rows[0]?.count ?? 0;
}

/** Lets all rest that still moves, so that what comes late has come. */
export async function settle(): Promise<void> {
  await sleep(3_000);
}
